"""Tables of hospitals in ten languages, with what a careful reader says of each column.

Names, towns, streets and diagnoses were typed by hand for these tables; none comes from a package that the dictionary
of names is built from. National numbers are computed here from the issuers' rules. Each column maps to the kinds that
count as right, with ``!`` at the end where it is a direct identifier under 45 CFR 164.514(b)(2)(i).
"""

# ruff: noqa: RUF001
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

Truth = dict[str, str]
Made = tuple[pa.Table, Truth]
PERSONS = 160
ROWS = 700


@dataclass(frozen=True)
class Language:
    """What a hospital of one language writes.

    Attributes:
        given, family: Names; family names of women where they differ come after a slash.
        towns: Towns near it.
        streets: Streets; ``#`` stands for the house number.
        postcode: Digits for ``9``, letters for ``A``.
        phone: Digits for ``9``.
        dates: ``strftime`` format.
        number: A national number of a person born on a day.
        sexes, smoking, severity, diagnoses, notes: Words of the field.
        doctor: Title of physicians.
    """

    given: str
    family: str
    towns: str
    streets: str
    postcode: str
    phone: str
    dates: str
    number: Callable[[random.Random, date], str]
    sexes: str
    smoking: str
    severity: str
    diagnoses: str
    notes: str
    doctor: str


def _pesel(r: random.Random, born: date) -> str:
    month = born.month + (20 if born.year >= 2000 else 0)
    digits = f"{born.year % 100:02}{month:02}{born.day:02}{r.randrange(10_000):04}"
    return digits + str(-sum(int(d) * w for d, w in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=True)) % 10)


def _steuer_id(r: random.Random, born: date) -> str:
    digits = r.sample("123456789", 9)
    digits.insert(r.randrange(2, 9), digits[0])
    product = 10
    for digit in digits:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return "".join(digits) + str((11 - product) % 10)


def _nir(r: random.Random, born: date) -> str:
    digits = f"{r.choice('12')}{born.year % 100:02}{born.month:02}{r.randrange(1, 96):02}{r.randrange(1, 999):03}"
    digits += f"{r.randrange(1, 999):03}"
    return f"{digits}{97 - int(digits) % 97:02}"


def _dni(r: random.Random, born: date) -> str:
    number = r.randrange(1_000_000, 99_999_999)
    return f"{number:08}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _fiscal_code(r: random.Random, born: date) -> str:
    letters = "".join(r.choice("BCDFGLMNPRSTV") for _ in range(6))
    body = f"{letters}{born.year % 100:02}{'ABCDEHLMPRST'[born.month - 1]}{born.day + r.choice((0, 40)):02}"
    body += f"{r.choice('AFHL')}{r.randrange(100, 999)}"
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14)
    table = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (*odd, 16, 10, 22, 25, 24, 23), strict=True))
    total = sum(
        table[c] if position % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for position, c in enumerate(body)
    )
    return body + chr(65 + total % 26)


def _cpf(r: random.Random, born: date) -> str:
    digits = [r.randrange(10) for _ in range(9)]
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        digits.append(sum(d * w for d, w in zip(digits, weights, strict=True)) * 10 % 11 % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def _bsn(r: random.Random, born: date) -> str:
    while True:
        digits = [r.randrange(1, 10), *(r.randrange(10) for _ in range(7))]
        check = sum(d * w for d, w in zip(digits, range(9, 1, -1), strict=True)) % 11
        if check < 10:
            return "".join(map(str, [*digits, check]))


def _luhn(digits: str) -> int:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if position % 2 else 2)
        total += value // 10 + value % 10
    return -total % 10


def _personnummer(r: random.Random, born: date) -> str:
    digits = f"{born:%y%m%d}{r.randrange(1000):03}"
    return f"{digits[:6]}-{digits[6:]}{_luhn(digits)}"


def _tckn(r: random.Random, born: date) -> str:
    digits = [r.randrange(1, 10), *(r.randrange(10) for _ in range(8))]
    digits.append((sum(digits[0::2]) * 7 - sum(digits[1:8:2])) % 10)
    return "".join(map(str, [*digits, sum(digits) % 10]))


def _snils(r: random.Random, born: date) -> str:
    digits = f"{r.randrange(100_000_000, 999_999_999)}"
    check = sum(int(d) * w for d, w in zip(digits, range(9, 0, -1), strict=True)) % 101 % 100
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {check:02}"


LANGUAGES: dict[str, Language] = {
    "German": Language(
        "Ingrid Heinz Renate Dieter Ursula Horst Gisela Manfred Helga Jürgen Sabine Uwe Petra Bernd Monika Holger "
        "Kerstin Thorsten Heike Ralf Silke Detlef Anke Volker Birgit Norbert Leonie Finn Mia Jannik",
        "Brinkmann Hartwig Kretschmer Lindemann Pfeiffer Rademacher Schlüter Vogelsang Wiegand Zimmer Ahrens Bäcker "
        "Drescher Ehlers Feldmann Gerdes Hinrichs Jansen Köhler Lüders Meinecke Nolte Oltmanns Petersen Quast Rohde",
        "Gifhorn Uelzen Celle Peine Soltau Verden Walsrode Munster Nienburg Hameln Goslar Winsen",
        "Lindenstraße #;Am Kirchberg #;Bahnhofstr. #;Goethestraße #;Mühlenweg #;Rosenallee #;Schulgasse #;Marktplatz #",
        "99999", "05399 999999", "%d.%m.%Y", _steuer_id, "männlich weiblich", "Nichtraucher Raucher Exraucher",
        "leicht mittel schwer",
        "Vorhofflimmern;Herzinsuffizienz;Diabetes mellitus Typ 2;Lungenentzündung;Schenkelhalsfraktur;Bluthochdruck",
        "Patient klagt über Schmerzen im;seit Tagen zunehmend müde und;Aufnahme wegen Luftnot bei;nach Sturz zu Hause",
        "Dr.",
    ),
    "French": Language(
        "Monique Gérard Jacqueline Michel Françoise Bernard Nicole René Colette Guy Sylvie Thierry Brigitte Hervé "
        "Nathalie Laurent Véronique Olivier Chantal Didier Maëlle Théo Inès Enzo",
        "Lefebvre Garnier Chevalier Boucher Marchand Renaud Perrin Gauthier Rousseau Delacroix Fontaine Barbier "
        "Carpentier Dufour Leclerc Vasseur Poirier Guillot Charpentier Delmas Bertin Auger",
        "Aurillac Quimper Vannes Saintes Rodez Mende Auch Cahors Tulle Guéret Nevers Chaumont",
        "# rue des Lilas;# avenue de la Gare;# chemin du Moulin;# place de l'Église;# impasse des Roses;# quai Nord",
        "99999", "06 99 99 99 99", "%d/%m/%Y", _nir, "homme femme", "fumeur non-fumeur ancien", "léger modéré sévère",
        "fibrillation auriculaire;insuffisance cardiaque;diabète de type 2;pneumopathie;fracture du col;hypertension",
        "le patient se plaint de douleurs;fatigue croissante depuis;admis pour dyspnée avec;chute à domicile avec",
        "Dr",
    ),
    "Spanish": Language(
        "Dolores Antonio Pilar Manuel Encarnación Francisco Rosario José Concepción Ángel Montserrat Joaquín Begoña "
        "Ignacio Inmaculada Rafael Nuria Álvaro Lucía Gonzalo Rocío Iker",
        "Aguirre Barrios Cabrera Domínguez Escribano Figueroa Gallardo Herrero Ibáñez Jurado Lozano Manrique Navarro "
        "Olmedo Pacheco Quintana Redondo Salazar Trujillo Urrutia Valverde Zamora",
        "Soria Teruel Cuenca Zafra Úbeda Lorca Ronda Écija Baza Motril Tudela Calahorra",
        "Calle Mayor #;Avenida de la Paz #;Plaza Nueva #;Paseo del Prado #;C/ Real #;Calle del Sol #",
        "99999", "+34 699 999 999", "%d/%m/%Y", _dni, "hombre mujer", "fumador exfumador nunca", "leve moderado grave",
        "fibrilación auricular;insuficiencia cardíaca;diabetes tipo 2;neumonía;fractura de cadera;hipertensión",
        "el paciente refiere dolor en;cansancio progresivo desde hace;ingresa por disnea con;caída en domicilio con",
        "Dra.",
    ),
    "Italian": Language(
        "Giuseppina Salvatore Rosaria Vincenzo Immacolata Pasquale Concetta Gennaro Carmela Raffaele Antonella "
        "Massimo Patrizia Fabrizio Loredana Maurizio Ornella Ciro Ginevra Tommaso",
        "Esposito Ruggiero Caputo Marchetti Bellini Fabbri Gatti Leone Mancini Neri Orlandi Pellegrini Rinaldi Sala "
        "Testa Villa Zanetti Barone Cattaneo De Luca D'Angelo Ferrara",
        "Asti Biella Cuneo Imola Faenza Lodi Crema Sondrio Rovigo Chieti Isernia Nuoro",
        "Via Garibaldi #;Corso Italia #;Piazza Dante #;Viale dei Pini #;Vicolo Corto #;Via Roma #",
        "99999", "+39 339 9999999", "%d/%m/%Y", _fiscal_code, "maschio femmina", "fumatore ex mai", "lieve medio grave",
        "fibrillazione atriale;scompenso cardiaco;diabete tipo 2;polmonite;frattura del femore;ipertensione",
        "il paziente riferisce dolore al;stanchezza crescente da;ricoverato per dispnea con;caduta a domicilio con",
        "Dott.",
    ),
    "Portuguese": Language(
        "Aparecida Raimundo Francisca Severino Terezinha Sebastião Conceição Benedito Luzia Geraldo Rosângela Wagner "
        "Simone Marcelo Débora Thiago Larissa Caio Yasmin Vinícius",
        "Nogueira Teixeira Cardoso Moreira Batista Freitas Siqueira Vasconcelos Pimentel Queiroz Macedo Brandão "
        "Bezerra Falcão Sampaio Toledo Peixoto Azevedo Barreto Cunha",
        "Sobral Crateús Iguatu Picos Caicó Mossoró Patos Garanhuns Arcoverde Jequié Ilhéus Itabuna",
        "Rua das Flores, #;Avenida Brasil, #;Travessa do Sol, #;Praça da Matriz, #;Rua Sete de Setembro, #",
        "99999-999", "(85) 99999-9999", "%d/%m/%Y", _cpf, "masculino feminino", "fumante ex-fumante nunca",
        "leve moderado grave",
        "fibrilação atrial;insuficiência cardíaca;diabetes tipo 2;pneumonia;fratura de quadril;hipertensão",
        "paciente refere dor no;cansaço progressivo há;internado por dispneia com;queda em casa com", "Dra.",
    ),
    "Dutch": Language(
        "Wilhelmina Cornelis Hendrika Gerrit Johanna Pieter Trijntje Klaas Aaltje Dirk Marloes Sjoerd Anouk Jeroen "
        "Femke Bram Sanne Thijs Lotte Ruben",
        "Dijkstra Hoekstra Postma Veenstra Wiersma Boersma Kuipers Mulder Brouwer Dekker Visser Smit Verhoeven "
        "Hermans Willems Schouten Kok Prins Blom Huisman Timmermans",
        "Meppel Assen Hoogeveen Sneek Drachten Heerenveen Emmen Zutphen Tiel Goes Hulst Weert",
        "Kerkstraat #;Dorpsweg #;Molenlaan #;Stationsplein #;Beatrixlaan #;Hoofdstraat #",
        "9999 AA", "06-99999999", "%d-%m-%Y", _bsn, "man vrouw", "roker ex-roker nooit", "licht matig ernstig",
        "boezemfibrilleren;hartfalen;diabetes type 2;longontsteking;heupfractuur;hoge bloeddruk",
        "patiënt klaagt over pijn in;toenemend moe sinds;opgenomen wegens kortademigheid met;val thuis met", "Dr.",
    ),
    "Polish": Language(
        "Stanisława Zbigniew Halina Ryszard Krystyna Tadeusz Jadwiga Mieczysław Bożena Wiesław Grażyna Sławomir "
        "Małgorzata Krzysztof Agnieszka Grzegorz Zuzanna Kacper Oliwia Bartosz",
        "Wójcik Krawczyk Mazur Kaczmarek Pawlak Sikora Bąk Walczak Duda Zając Gajda Kozioł Stępień Wrona Ptak Kubiak "
        "Chmiel Olszewski Górski Zawadzki",
        "Siedlce Zamość Ełk Suwałki Łomża Ostrołęka Sieradz Konin Leszno Piła Nysa Brzeg",
        "ul. Długa #;ul. Polna #;al. Niepodległości #;os. Słoneczne #;pl. Wolności #;ul. Lipowa #",
        "99-999", "+48 699 999 999", "%d.%m.%Y", _pesel, "mężczyzna kobieta", "palący niepalący były",
        "łagodny umiarkowany ciężki",
        "migotanie przedsionków;niewydolność serca;cukrzyca typu 2;zapalenie płuc;złamanie biodra;nadciśnienie",
        "pacjent skarży się na ból w;narastające zmęczenie od;przyjęty z powodu duszności z;upadek w domu z", "Dr",
    ),
    "Swedish": Language(
        "Gunilla Lennart Birgitta Göran Ingegerd Bengt Margareta Sven Ulla Kjell Kerstin Torbjörn Annika Håkan Malin "
        "Fredrik Ebba Elias Wilma Alva",
        "Lindqvist Sandberg Nyström Holmgren Bergström Hedlund Sjöberg Engström Forsberg Wallin Nordin Åkesson "
        "Öberg Strömberg Lundin Ekman Hellström Danielsson Söderlund Blomqvist",
        "Motala Mora Falun Arvika Kiruna Ystad Visby Kalmar Lysekil Nora Eksjö Vetlanda",
        "Storgatan #;Kyrkvägen #;Skolgatan #;Björkvägen #;Parkgatan #;Industrivägen #",
        "999 99", "070-999 99 99", "%Y-%m-%d", _personnummer, "man kvinna", "rökare aldrig slutat",
        "lindrig måttlig svår",
        "förmaksflimmer;hjärtsvikt;diabetes typ 2;lunginflammation;höftfraktur;högt blodtryck",
        "patienten klagar över smärta i;tilltagande trötthet sedan;inlagd på grund av andnöd med;fall i hemmet med",
        "Dr",
    ),
    "Turkish": Language(
        "Hatice Mehmet Fatma Mustafa Emine Hüseyin Zeynep İbrahim Şerife Osman Gülsüm Hakan Sevgi Murat Elif Burak "
        "Nurcan Tolga Ceren Kaan",
        "Yıldız Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Erdoğan Korkmaz Güneş "
        "Bulut Tekin Akın",
        "Yozgat Kırşehir Nevşehir Niğde Karaman Aksaray Çankırı Çorum Amasya Tokat Sinop Bartın",
        "Atatürk Cad. No: #;Cumhuriyet Mah. Gül Sok. #;İnönü Caddesi #;Lale Sokak #;Okul Cad. #",
        "99999", "0532 999 99 99", "%d.%m.%Y", _tckn, "erkek kadın", "içiyor bırakmış hiç", "hafif orta ağır",
        "atriyal fibrilasyon;kalp yetmezliği;tip 2 diyabet;zatürre;kalça kırığı;yüksek tansiyon",
        "hasta ağrıdan şikayetçi ve;giderek artan yorgunluk ile;nefes darlığı nedeniyle yatırıldı ve;evde düşme ve",
        "Dr.",
    ),
    "Russian": Language(
        "Галина Николай Валентина Виктор Людмила Анатолий Тамара Геннадий Нина Юрий Светлана Андрей Ирина Алексей "
        "Екатерина Дмитрий Дарья Максим Полина Артём",
        "Кузнецов/Кузнецова Попов/Попова Соколов/Соколова Лебедев/Лебедева Козлов/Козлова Новиков/Новикова "
        "Морозов/Морозова Волков/Волкова Зайцев/Зайцева Павлов/Павлова Беляев/Беляева Громов/Громова "
        "Жуков/Жукова Ковальчук/Ковальчук Мельник/Мельник Гусев/Гусева",
        "Кострома Вологда Брянск Курск Тамбов Липецк Рязань Тула Калуга Псков Вязьма Ржев",
        "ул. Ленина, д. #;ул. Садовая, д. #;пр. Мира, д. #;ул. Советская, д. #;пер. Школьный, д. #",
        "999999", "8 (912) 999-99-99", "%d.%m.%Y", _snils, "мужской женский", "курит бросил никогда",
        "лёгкая средняя тяжёлая",
        "фибрилляция предсердий;сердечная недостаточность;сахарный диабет;пневмония;перелом бедра;гипертония",
        "пациент жалуется на боль в;нарастающая слабость в течение;поступил с одышкой и;падение дома и", "Д-р",
    ),
}  # fmt: skip


def _filled(form: str, r: random.Random) -> str:
    letters = {"9": lambda: str(r.randrange(10)), "A": lambda: r.choice("BCDGHKLMNPRSTVXZ")}
    return "".join(letters[c]() if c in letters else c for c in form)


def patients(name: str) -> Made:
    """One row a person: who they are, where they live, how ill they are."""
    language, r = LANGUAGES[name], random.Random(f"patients {name}")
    given, towns, streets = language.given.split(), language.towns.split(), language.streets.split(";")
    family = [pair.split("/") for pair in language.family.split()]
    areas = {town: _filled(language.postcode, r) for town in towns}
    doctors = [f"{language.doctor} {r.choice(r.choice(family))}" for _ in range(9)]
    columns: dict[str, list[object]] = {key: [] for key in PATIENTS}
    for row in range(PERSONS):
        born = date(1925, 1, 1) + timedelta(days=r.randrange(85 * 365))
        seen = date(2021, 1, 1) + timedelta(days=r.randrange(700))
        person = r.choice(given), r.choice(family)[-(row % 2)]
        town = r.choice(towns)
        mail = f"{_ascii(person[0])}.{_ascii(person[1])}{r.randrange(90)}@example.org"
        values = (
            48_000 + row * 3 + r.randrange(3), person[0], person[1], language.number(r, born),
            born.strftime(language.dates), r.choice(language.sexes.split()),
            r.choice(streets).replace("#", str(r.randrange(1, 120))), areas[town], town,
            _filled(language.phone, r), mail, r.choice(doctors), seen.strftime(language.dates),
            r.choice(language.smoking.split()), r.choice(language.severity.split()), round(r.gauss(27, 4), 1),
            r.randrange(95, 190), min(int(r.expovariate(0.5)), 12), r.choice(("I10", "E11.9", "I48.0", "J18.9")),
            f"{r.choice(language.notes.split(';'))} {r.choice(language.diagnoses.split(';'))}, {r.randrange(2, 90)}",
        )  # fmt: skip
        for key, value in zip(columns, values, strict=True):
            columns[key].append(value)
    return pa.table({key: [str(value) for value in values] for key, values in columns.items()}), PATIENTS


PATIENTS: Truth = {
    "mrn": "identifier!", "given": "name!", "family": "name!", "national": "identifier ssn!", "born": "date!",
    "sex": "boolean categorical quasi_identifier", "street": "address!", "postcode": "address!", "town": "address!",
    "phone": "phone!", "mail": "email!", "doctor": "name!", "seen": "date!", "smoking": "categorical ordinal",
    "severity": "ordinal categorical", "bmi": "continuous", "sbp": "continuous", "visits": "count ordinal",
    "icd": "code categorical", "note": "free_text?",
}  # fmt: skip


def visits(name: str) -> Made:
    """Several rows a person, sorted by day, so that a person's rows stand apart."""
    language, r = LANGUAGES[name], random.Random(f"visits {name}")
    given, family = language.given.split(), [pair.split("/") for pair in language.family.split()]
    numbers = [language.number(r, date(1940, 1, 1) + timedelta(days=r.randrange(20_000))) for _ in range(PERSONS)]
    names = [f"{r.choice(family)[-1]}, {r.choice(given)}" for _ in range(PERSONS)]
    rows = []
    for _ in range(ROWS):
        person = r.randrange(PERSONS)
        day = date(2020, 1, 1) + timedelta(days=r.randrange(900))
        values = (
            numbers[person], names[person], day.strftime(language.dates), f"V{r.randrange(10**6, 10**7)}",
            r.choice(language.diagnoses.split(";")), r.choice(language.towns.split()[:6]), round(r.gauss(5.5, 1.1), 2),
            r.choice(("ja", "nein")), r.choice(("4-6", "7-9", "10+")), r.randrange(4),
        )  # fmt: skip
        rows.append((day, values))
    ordered = [values for _, values in sorted(rows, key=lambda row: row[0])]
    return pa.table({key: [str(row[i]) for row in ordered] for i, key in enumerate(VISITS)}), VISITS


VISITS: Truth = {
    "national": "identifier ssn!", "name": "name!", "day": "date!", "case": "identifier!", "diagnosis": "categorical",
    "clinic town": "address!", "glucose": "continuous", "urgent": "boolean", "score band": "ordinal categorical",
    "grade": "ordinal categorical",
}  # fmt: skip


def _ascii(word: str) -> str:
    return "".join(c for c in word.lower() if c.isascii() and c.isalnum()) or "user"
