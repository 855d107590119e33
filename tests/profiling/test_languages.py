"""Identifiers and kinds by value alone, in ten languages: every column's name is replaced."""

# ruff: noqa: RUF001
from __future__ import annotations

import itertools
import random
import subprocess
import sys
from array import array
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.profiling.kinds.identifiers import name_dictionary
from clinical_model_selector.profiling.kinds.identifiers.addresses import is_phone, is_street_address
from clinical_model_selector.profiling.kinds.identifiers.name_dictionary import name_shares, split_words
from clinical_model_selector.profiling.kinds.identifiers.national_ids import SCHEMES, national_scheme

from .language_tables import LANGUAGES, patients, visits


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_replaced_the_values_tell_who_must_not_come_out(language: str) -> None:
    tally: Counter[str] = Counter()
    wrong = []
    for make in (patients, visits):
        table, truth = make(language)
        blind = profile_table(table.rename_columns([f"V{position}" for position in range(1, len(truth) + 1)]))
        for (name, wanted), column in zip(truth.items(), blind.columns, strict=True):
            right = column.safe.kind in wanted.rstrip("!?").split()
            direct = column.safe.direct_identifier
            tally.update(
                columns=1, right=right, direct=wanted.endswith("!"), recalled=direct and wanted.endswith("!"),
                alarms=direct and not wanted.endswith(("!", "?")),
            )  # fmt: skip
            if not right or direct != wanted.endswith("!"):
                wrong.append((name, column.safe.kind, direct, column.recognised_by))
    assert tally["recalled"] >= 0.95 * tally["direct"], wrong
    assert tally["right"] >= 0.9 * tally["columns"], wrong
    assert tally["alarms"] == 0, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_of_persons_is_the_patient_whatever_its_name_and_the_order_of_rows(language: str) -> None:
    table, _ = visits(language)
    order = list(range(table.num_rows))
    random.Random(1).shuffle(order)
    for ordered in (table, table.take(pa.array(order))):
        profile = profile_table(ordered.rename_columns([f"V{n}" for n in range(1, ordered.num_columns + 1)]))
        assert profile.patient_id == "V1"
        assert profile.columns[0].treatment.action == "pseudonymise"


# Published by the issuers as examples, or computed from their rules by hand.
NUMBERS = {
    "NHS number (GB)": ["943 476 5919", "4505577104", "5990128088", "1275988113", "4536026665"],
    "PESEL (PL)": ["44051401359", "02070803628", "81010200141", "90090515836", "65071209862"],
    "AHV (CH)": ["756.9217.0769.85", "756.1234.5678.97", "756.3047.5009.62", "7569217076985", "756.1000.0000.09"],
    "IBAN": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606",
             "NL91ABNA0417164300", "CH9300762011623852957"],
    "HETU (FI)": ["131052-308T", "010594Y9021", "020594X903P", "020594X902N", "030594W903B"],
}  # fmt: skip


@pytest.mark.parametrize("scheme", NUMBERS)
def test_published_numbers_pass(scheme: str) -> None:
    assert national_scheme(NUMBERS[scheme]) == scheme


@pytest.mark.parametrize("width", range(8, 17))
def test_numbers_drawn_at_random_are_nobodys(width: int) -> None:
    drawn = random.Random(width)
    for _ in range(50):
        numbers = [str(drawn.randrange(10 ** (width - 1), 10**width)) for _ in range(8)]
        assert national_scheme(numbers, numbers=True) is None


def test_schemes_are_told_apart_by_name() -> None:
    names = [name for name, _, _ in SCHEMES]
    assert len(names) == len(set(names))


WRITTEN = {
    "phone": (
        is_phone,
        ["+49 30 123456", "030/1234567", "06 12 34 56 78", "(212) 555-0123", "1-212-555-0123", "0532 123 45 67",
         "8 (912) 345-67-89", "070-123 45 67", "090-1234-5678", "+351912345678", "0171 1234567", "600 123 456"],
        ["12345678", "0.123456789", "02139-1234", "01-701-1015", "113/82", "1,248", "120 mg", "6-18-3"],
    ),
    "street": (
        is_street_address,
        ["12 Main Street", "Lindenstraße 5", "ul. Długa 14", "Via Roma 3", "24 rue des Lilas", "Storgatan 7",
         "Calle Mayor 8", "P.O. Box 123", "Rua das Flores, 12", "ул. Ленина, д. 5", "Atatürk Cad. No: 4",
         "100 Oak Hollow"],
        ["Stage 3", "2 weeks ago", "Type 2", "Metformin 500 mg", "T2N0M0", "grade 2 tumour", "Ward 7", "12 mg"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", WRITTEN)
def test_written_shapes(shape: str) -> None:
    holds, hits, misses = WRITTEN[shape]
    assert [text for text in hits if not holds(text)] == []
    assert [text for text in misses if holds(text)] == []


CLINICAL_WORDS = {
    "drugs": "Metformin;Aspirin;Lisinopril;Atorvastatin;Warfarin;Insulin glargine;Amoxicillin;Prednisone;Heparin",
    "diagnoses": "Essential hypertension;Atrial fibrillation;Type 2 diabetes;Heart failure;Pneumonia;Hip fracture;"
    "Sepsis;Crohn disease;Iron deficiency anemia;Chronic kidney disease;Asthma;Gout",
    "wards": "Cardiology;Oncology;Intensive Care;Emergency;Orthopaedics;Paediatrics;Neurology;Surgery;Urology",
    "organisms": "Escherichia coli;Klebsiella pneumoniae;Staphylococcus aureus;Enterococcus faecalis;Candida albicans;"
    "Proteus mirabilis;Serratia marcescens;Pseudomonas aeruginosa",
    "races": "White;Black or African American;Asian;Other;Native Hawaiian;American Indian;Hispanic;Unknown;Two or more",
    "Diagnosen": "Vorhofflimmern;Herzinsuffizienz;Lungenentzündung;Schenkelhalsfraktur;Bluthochdruck;Gicht;Asthma",
    "jobs": "Teacher;Nurse;Farmer;Driver;Clerk;Engineer;Retired;Student;Manager;Cook;Carpenter;Baker",
}  # fmt: skip


@pytest.mark.parametrize("vocabulary", CLINICAL_WORDS)
def test_clinical_words_are_not_called_like_persons_or_towns(vocabulary: str) -> None:
    shares = name_shares(CLINICAL_WORDS[vocabulary].split(";"))
    assert shares.person < 0.4
    assert shares.place < 0.4


def test_names_are_folded_as_they_are_typed() -> None:
    assert split_words("O\u2019Brien-Müller, J\u00f8rgen") == ("obrien", "muller", "jorgen")
    assert name_shares(["王伟", "李强", "张敏", "刘洋", "陈静"]).person == 1.0
    assert name_shares(["김민준", "이서연", "박지훈", "최수빈"]).person == 1.0


def test_high_cardinality_text_that_no_vocabulary_explains_is_withheld() -> None:
    drawn = random.Random(5)
    words = ["".join(drawn.choice("bdfgklmnprstvz") + drawn.choice("aeiou") for _ in range(4)) for _ in range(150)]
    column = profile_table(pa.table({"V1": words + words[:100], "V2": ["a", "b"] * 125})).columns[0]
    assert column.safe.role == "withheld"
    assert column.treatment.action == "drop"


def test_the_dictionary_holds_sorted_hashes_and_no_text() -> None:
    content = (Path(name_dictionary.__file__).parent / "name_dictionary.bin").read_bytes()
    start = 0
    for section in name_dictionary.SECTIONS:
        size = int.from_bytes(content[start : start + 4], "little")
        hashes = array("I", content[start + 4 : start + 4 + 4 * size])
        assert size > 1000, section
        assert all(first < second for first, second in itertools.pairwise(hashes[:2000]))
        start += 4 + 4 * size
    assert start == len(content)


COMMON = {
    "given": [
        "Anna",
        "Mohammed",
        "Wei",
        "Svetlana",
        "Siobhán",
        "José",
        "Ayşe",
        "Jürgen",
        "Priya",
        "Chiara",
        "Łukasz",
        "Zoé",
        "Kwame",
        "Yuki",
        "Olena",
    ],
    "family": [
        "Müller",
        "García",
        "Nguyen",
        "Kowalska",
        "Иванова",
        "O'Brien",
        "Yılmaz",
        "Rossi",
        "Silva",
        "de Vries",
        "Novák",
        "Johansson",
    ],
    "towns": [
        "Paris",
        "München",
        "Kraków",
        "São Paulo",
        "Москва",
        "İzmir",
        "Rotterdam",
        "Göteborg",
        "Sevilla",
        "Torino",
        "北京",
        "Αθήνα",
    ],
}


@pytest.mark.parametrize("section", COMMON)
def test_common_names_are_in_it(section: str) -> None:
    shares = name_shares(COMMON[section])
    assert (shares.place + shares.region if section == "towns" else shares.person) >= 0.9


def test_it_is_read_when_words_are_judged_and_not_before() -> None:
    code = (
        "from clinical_model_selector.profiling.kinds.identifiers import name_dictionary as names; "
        "import clinical_model_selector.profiling.profiler; print(names._sections.cache_info().currsize); "
        "names.name_shares(['Anna']); print(names._sections.cache_info().currsize)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["0", "1"]


def _made(form: str) -> list[str]:
    drawn = random.Random(form)
    towns, streets = ["Brno", "Sevilla", "Tromsø", "Łódź"], ["Lipová", "Calle Sol", "Storgata", "Długa"]
    pick = {"9": lambda: str(drawn.randrange(10)), "A": lambda: drawn.choice("BCDFGHKLMNPR")}
    texts = []
    for _ in range(60):
        text = form.replace("TOWN", drawn.choice(towns)).replace("STREET", drawn.choice(streets))
        texts.append("".join(pick[c]() if c in pick else c for c in text))
    return texts


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("STREET 99, 99999 TOWN", "address"),
        ("999 STREET", "address"),
        ("AA 999 AA", "identifier"),
        ("99-AAA-9", "identifier"),
        ("+999999999999", "identifier phone"),
        ("99 999 99 99", "phone"),
    ],
)
def test_nearly_unique_cells_of_these_forms_identify(form: str, kind: str) -> None:
    column = profile_table(pa.table({"V1": _made(form), "V2": ["a", "b"] * 30})).columns[0]
    assert column.safe.direct_identifier
    assert column.safe.kind in kind.split()


def test_sentences_with_numbers_are_text_and_no_addresses() -> None:
    notes = [f"patient was seen {n} days after surgery, pain {n % 10} of 10, left knee" for n in range(60)]
    column = profile_table(pa.table({"V1": notes, "V2": ["a", "b"] * 30})).columns[0]
    assert (column.safe.kind, column.safe.direct_identifier) == ("free_text", False)
