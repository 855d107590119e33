"""Names of persons, towns and regions in many languages, as a set of hashes: "is this text called like a person?".

The set is built beforehand by benchmarks/build_name_dictionary.py from the locales of Faker and from GeoNames (sources
and licences: name_dictionary.md beside this file), holds 32-bit hashes of normalised words, and is read once, when the
first column of words is judged. A word outside the set is taken for a member about once in ten thousand words, which
shares over a column's values do not feel.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path

__all__ = ["COMMON_WORDS", "NameShares", "fold", "hash_word", "name_shares", "split_words"]

SECTIONS: tuple[str, ...] = ("given", "family", "place", "region")
_FILE = Path(__file__).with_name("name_dictionary.bin")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARTICLES: frozenset[str] = _words(
    "al ap ben bin bint da dal das de degli dei del della den der des di do dos du e el fitz i ibn la las le lo los "
    "mac mc ny o of op san santa st ten ter the und van vd vom von y za zu zum zur dr dra drs prof med mr mrs ms miss "
    "mx sir herr frau fr hr dhr mevr mw m mme mlle dott dottssa sig sigra sra srta sr don dona pan pani inz mgr ing "
    "dipl jr sen ii iii iv phd md esq rn bey bay bayan hanim"
)
"""Words of names that say nothing alone: particles, titles, degrees."""

_TITLES = _words("dr dra prof mr mrs ms miss herr frau mme mlle sr sra srta sig dott dhr mevr pan pani hr")

COMMON_WORDS: frozenset[str] = _words(
    "black white brown green gray grey blue red gold golden silver pink orange violet amber hazel blond blonde asian "
    "hispanic latino native african american european caucasian indian chinese japanese german french english polish "
    "spanish italian dutch turkish greek russian arab jewish christian catholic muslim buddhist hindu male female man "
    "woman men women boy girl other none unknown missing mixed yes no true false never ever current former normal "
    "abnormal high low medium mild moderate severe good poor fair best better worse worst long short small large big "
    "great young old new late early first second third left right north south east west upper lower single married "
    "widowed divorced separated partner alone home house hall park church hill hills wood woods field bush stone "
    "brook lake bay river forest spring summer autumn winter fall march april may june july august january february "
    "september october november december monday tuesday wednesday thursday friday saturday sunday day week month year "
    "hour minute morning evening night noon king queen prince duke bishop pope page cook baker butcher miller smith "
    "fisher hunter farmer gardener shepherd mason carpenter taylor tailor driver porter clerk teacher nurse doctor "
    "physician surgeon student worker retired unemployed employed self manager engineer lawyer officer guard soldier "
    "police sales service office public private urban rural standard control placebo active treatment drug dose oral "
    "topical iv sodium iron mercury radium helium argon zinc copper lead heart head hand foot arm leg knee hip back "
    "neck chest eye ear nose throat skin bone blood liver lung kidney colon breast brain spine stroke pain fever "
    "cough rash burn bite wound cancer tumor tumour angina asthma gout anemia anaemia sepsis flu cold death alive "
    "dead deceased died discharged transfer transferred admitted emergency elective urgent routine positive negative "
    "reactive detected pending trace light dark clear cloudy yellow straw hope faith joy grace charity patience honor "
    "love star sky rose lily iris daisy heather ivy ginger basil sage olive cherry berry apple plum peach melon lemon "
    "bean rice bread fish bacon lamb wolf fox bear lion bird swan crane drake robin hawk case chance major minor "
    "junior senior general captain sergeant bell ball bond book box cash cross dollar price rich sharp strong sweet "
    "tall tender thick thin wise wild free frank grant mark art bill bob chuck dale drew earl gene guy jack jay josh "
    "lane miles nick pat penny pete ray rob rod rusty skip sonny sterling ward will work data test sample group site "
    "center centre clinic hospital unit room level type class grade stage score value result note text status code "
    "number name date time age sex race rot blau gruen weiss schwarz braun gelb grau mann frau kind jung alt gross "
    "klein gut schlecht hoch tief leicht schwer mittel keine nein ja ledig verheiratet verwitwet geschieden montag "
    "dienstag mittwoch donnerstag freitag samstag sonntag januar februar maerz mai juni juli oktober dezember sommer "
    "herbst fruehling blanc noir rouge vert bleu homme femme oui non bon petit grand jamais lundi mardi mercredi "
    "jeudi vendredi samedi dimanche janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre "
    "blanco negro rojo verde azul hombre mujer si soltero casado viudo divorciado bueno malo alto bajo leve grave "
    "lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio julio agosto "
    "septiembre octubre noviembre diciembre bianco nero rosso uomo donna celibe nubile maschio femmina basso gennaio "
    "febbraio aprile maggio giugno luglio settembre ottobre dicembre lunedi martedi mercoledi giovedi venerdi sabato "
    "domenica branco preto pardo amarela indigena masculino feminino sim nao solteiro viuva janeiro fevereiro marco "
    "maio junho julho setembro outubro novembro dezembro wit zwart rood groen blauw vrouw nee goed slecht hoog laag "
    "januari februari maart augustus maandag dinsdag woensdag donderdag vrijdag zaterdag zondag kobieta mezczyzna tak "
    "nie dobry zly wysoki niski"
)
"""Normalised words that are names and plain words alike: they count for neither side."""

_APOSTROPHES = re.compile(r"['\u2019\u02bc`\u00b4]")
_WORD = re.compile(r"[^\W\d_]+")
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LONGEST = 80
"""Characters of a value that are looked at."""

_NAME_ENDINGS = (
    "ovich", "evich", "ovna", "evna", "ovic", "evic", "wicz", "owicz", "sson", "sdottir", "oglu", "opoulos", "akis",
    "idis", "shvili", "adze", "escu", "enko", "chuk", "owski", "owska", "ewski", "ewska", "inski", "inska", "зода",
    "ович", "евич", "овна", "евна", "ична", "енко", "чук", "швили", "ский", "ская", "цкий", "цкая", "ов", "ова", "ев",
    "ева", "улы", "кызы",
)  # fmt: skip
"""Endings that make a surname or a patronymic, and hardly anything else."""


_WOMENS_ENDINGS = (
    ("ova", ""), ("ova", "ov"), ("ska", "ski"), ("cka", "cki"), ("ska", "sky"), ("ина", "ин"), ("a", "y"),
    ("iene", "ys"),
)  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents, ``ß`` and ``ł`` as they are typed without them; apostrophes go."""
    plain = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c) or ord(c) > 0x0900)
    return unicodedata.normalize("NFC", plain.translate(_TYPED))


_TYPED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ə": "e"}
)


@lru_cache(maxsize=65_536)
def split_words(text: str) -> tuple[str, ...]:
    """Normalised words of letters; combining vowel signs of Indic scripts and Thai belong to their word."""
    folded = fold(text[:_LONGEST])
    if not folded.isascii():
        folded = "".join(c if c.isalpha() or unicodedata.category(c).startswith("M") else " " for c in folded)
        return tuple(folded.split())
    return tuple(_WORD.findall(folded))


def hash_word(word: str) -> int:
    """32 bits of a normalised word or phrase."""
    return int.from_bytes(blake2b(word.encode(), digest_size=4).digest(), "little")


@cache
def _sections() -> dict[str, array[int]]:
    """The sorted hashes of each section, from the file: per section a count of four bytes, then the hashes."""
    content = _FILE.read_bytes()
    sections: dict[str, array[int]] = {}
    start = 0
    for section in SECTIONS:
        size = int.from_bytes(content[start : start + 4], "little")
        hashes = array("I", content[start + 4 : start + 4 + 4 * size])
        if sys.byteorder == "big":
            hashes.byteswap()
        sections[section] = hashes
        start += 4 + 4 * size
    return sections


def _holds(section: str, word: str) -> bool:
    hashes = _sections()[section]
    wanted = hash_word(word)
    position = bisect_left(hashes, wanted)
    return position < len(hashes) and hashes[position] == wanted


@lru_cache(maxsize=65_536)
def _is_name_word(word: str) -> bool:
    if _holds("given", word) or _holds("family", word):
        return True
    if len(word) > 5 and word.endswith(_NAME_ENDINGS):
        return True
    if word.startswith("ال") and (_holds("given", word[2:]) or _holds("family", word[2:])):
        return True  # the Arabic article
    # Surnames that take a woman's ending: Novák → Nováková, Kowalski → Kowalska, Иванов → Иванова.
    for ending, base in _WOMENS_ENDINGS:
        if len(word) > 5 and word.endswith(ending) and _holds("family", word.removesuffix(ending) + base):
            return True
    return False


def _is_east_name(text: str) -> bool:
    """Chinese, Japanese and Korean names are written without blanks, the family name first."""
    compact = fold(text).replace(" ", "").replace("\u3000", "")
    if not 2 <= len(compact) <= 6 or not all(_EAST.match(c) for c in compact):
        return False
    if any(_holds("family", compact[:size]) for size in (1, 2, 3) if 1 <= len(compact) - size <= 3):
        return True
    parts = fold(text).split()
    return len(parts) == 2 and any(map(_is_name_word, parts))


@dataclass(frozen=True, slots=True)
class NameShares:
    """Shares of a column's distinct values; all nought where a fifth hold no letter (measurements with notes).

    Attributes:
        person: Values at least half of whose words are names of persons (particles, titles, initials left out).
        place: Values that are called like a town.
        region: Values that are called like a country, state or province.
        titled: Values that begin with a title of persons.
        whole: Values of two words and more, all of which are names of persons.
    """

    person: float = 0.0
    place: float = 0.0
    region: float = 0.0
    titled: float = 0.0
    whole: float = 0.0


def name_shares(texts: Sequence[str]) -> NameShares:
    """How many of the values are called like persons, towns and regions."""
    worded = [text for text in texts if _is_worded(text[:_LONGEST])]
    if not texts or len(worded) < 0.8 * len(texts):
        return NameShares()
    return NameShares(
        person=sum(map(_is_person, worded)) / len(texts),
        place=sum(map(_is_place, worded)) / len(texts),
        region=sum(map(_is_region, worded)) / len(texts),
        titled=sum(map(_is_titled, worded)) / len(texts),
        whole=sum(map(_is_whole_name, worded)) / len(texts),
    )


def _is_worded(text: str) -> bool:
    """More letters than digits: ``MRN1234567`` is no word."""
    return sum(c.isalpha() for c in text) > sum(c.isdigit() for c in text)


def _is_person(text: str) -> bool:
    if _EAST.search(text):
        return _is_east_name(text)
    words = [word for word in split_words(text) if len(word) > 1 and word not in PARTICLES]
    plain = [word for word in words if word in COMMON_WORDS]
    telling = [word for word in words if word not in COMMON_WORDS]
    hits = sum(map(_is_name_word, telling))
    return 0 < len(words) <= 6 and hits > 0 and 2 * hits >= len(telling) + len(plain)


def _is_titled(text: str) -> bool:
    words = split_words(text)
    return len(words) > 1 and words[0] in _TITLES and text[0].isupper() and _is_capital(text)


def _is_capital(text: str) -> bool:
    """The word after a title has a capital, or its script has none."""
    rest = text.split()[1:]
    return bool(rest) and rest[-1][:1].isalpha() and rest[-1][0] != rest[-1][0].lower()


def _is_whole_name(text: str) -> bool:
    words = [word for word in split_words(text) if len(word) > 1 and word not in PARTICLES]
    return 2 <= len(words) <= 5 and all(word not in COMMON_WORDS and _is_name_word(word) for word in words)


def _phrases(text: str) -> Iterable[str]:
    """The value as a phrase, and without what follows a comma or bracket, or is a region (``Salem Oregon US``)."""
    words = split_words(text)
    yield " ".join(words)
    for size in range(min(len(words) - 1, 3), 0, -1):
        rest = [word for word in words[size:] if len(word) > 2]
        if not rest or _holds("region", " ".join(rest)):
            yield " ".join(words[:size])
    head = re.split(r"[,(/]", text[:_LONGEST], maxsplit=1)[0]
    if len(head) < len(text):
        yield " ".join(split_words(head))


def _is_place(text: str) -> bool:
    return any(phrase not in COMMON_WORDS and _holds("place", phrase) for phrase in _phrases(text) if phrase)


def _is_region(text: str) -> bool:
    return any(_holds("region", phrase) for phrase in _phrases(text) if phrase)
