"""Telephone numbers, street addresses and postcodes as they are written in many countries; each value is read once."""

from __future__ import annotations

import re

from .name_dictionary import split_words

__all__ = ["POSTCODES", "is_phone", "is_street_address"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STREET_WORDS: frozenset[str] = _words(
    "street st avenue ave road rd lane ln drive dr court ct place pl way boulevard blvd square sq terrace circle "
    "highway hwy parkway path row run route mill dam pike trail crossing alley walk gate close crescent unit suite "
    "apt floor grove gardens mews rise hill view strasse str weg gasse platz allee ring damm ufer chaussee rue chemin "
    "impasse quai cours calle avenida avda av plaza paseo carrera via camino ronda corso viale piazza largo vicolo "
    "strada rua travessa praca alameda rodovia estrada straat laan plein gracht kade dijk singel ulica ul aleja al "
    "aleje osiedle os plac ulice namesti trida nabrezi trg cesta utca ut ter korut gatan gata vagen gade vej vei "
    "veien alle torg katu tie kuja bulevardul soseaua aleea cad cadde caddesi sok sokak sokagi mah mahallesi bulvari "
    "jalan jl soi thanon улица ул проспект пр пр-т переулок пер шоссе бульвар площадь пл вулиця вул жк οδος λεωφορος "
    "شارع רחוב"
)
_STREET_ENDINGS = (
    "strasse", "str", "weg", "gasse", "platz", "allee", "ring", "damm", "ufer", "straat", "laan", "plein", "gracht",
    "kade", "dijk", "singel", "gatan", "gata", "vagen", "vag", "gade", "vej", "veien", "katu", "tie", "utca",
)  # fmt: skip
_EAST = re.compile(r"[省市区區县縣州都府県町村路街道号號丁目番弄室동로길시구]")
_HOUSE = re.compile(r"\d{1,6}[a-zA-Z]?(?:[-/]\d{1,5}[a-zA-Z]?)?")
_BOX = re.compile(r"(?i:p\.?\s?o\.?\s?box\s?\d{1,6}|postfach\s?\d[\d ]{1,8}|casella postale \d{1,6}|b\.?p\.? \d{1,5})")
_MOST_WORDS = 14

POSTCODES: tuple[str, ...] = (
    r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}",
    r"[A-Z]\d[A-Z] \d[A-Z]\d",
    r"[A-Z]\d{2} ?[A-Z0-9]{4}",
    r"\d{4} ?[A-Z]{2}",
    r"\d{2}-\d{3}",
    r"\d{4}-\d{3}",
    r"\d{5}-\d{3}",
    r"\d{3} \d{2}",
    r"(?:[A-Z]{1,2}|LV|AD)-\d{4,5}",
)
"""Forms (RE2) that hardly anything else has: GB, CA, IE, NL, PL, PT, BR, CZ and SE, or a country before it."""


def is_phone(text: str) -> bool:
    """Seven to fifteen digits with the marks of a telephone number: a plus, a leading 0, brackets, groups."""
    if not 7 <= len(text) <= 30 or not (text[0].isdigit() or text[0] in "+("):
        return False
    number = text.lower().partition("ext")[0].partition("x")[0].rstrip()
    if any(c not in _DIALLED for c in number) or number.count("+") > (number[0] == "+"):
        return False
    groups = [group for group in _BREAK.split(number.lstrip("+")) if group]
    lengths = [len(group) for group in groups]
    digits = sum(lengths)
    if not 7 <= digits <= 15 or (len(groups) == 2 and "." in number and number[0] != "+"):
        return False
    if number[0] == "+" or number.startswith("00"):
        return digits >= 8 and (number[0] == "+" or len(groups) > 1)
    if len(groups) == 1:
        return False
    if number[0] in "0(" or (number[0] == "8" and "(" in number):
        # An area code of up to five digits; two hyphens may as well part the fields of a label.
        least = 10 if number.count("-") > 1 else 9
        return digits >= least and 1 <= lengths[0] <= 5 and digits - lengths[0] >= 5 and "." not in number[:2]
    return lengths in _GROUPINGS or (lengths[0] == 1 and number[0] == "1" and lengths[1:] == [3, 3, 4])


_DIALLED = frozenset("0123456789 +()-./\u00a0")
_BREAK = re.compile(r"[ ()./\u00a0-]")
_GROUPINGS = ([3, 3, 4], [3, 3, 3], [3, 4], [3, 2, 2, 2], [2, 3, 2, 2], [2, 2, 2, 2], [3, 4, 4], [2, 4, 4], [2, 5, 4])


def is_street_address(text: str) -> bool:
    """A street's word and a number, a house number before capitalised words, or a box."""
    if not 5 <= len(text) < 200 or not any(c.isdigit() for c in text):
        return False
    if _BOX.match(text):
        return True
    if len(_EAST.findall(text)) >= 2:
        return True
    parts = text.replace(",", " ").split()
    if not 2 <= len(parts) <= _MOST_WORDS:
        return False
    houses = [position for position, part in enumerate(parts) if _HOUSE.fullmatch(part.strip(".#"))]
    if not houses:
        return False
    words = split_words(text)
    if any(word in _STREET_WORDS or (len(word) > 5 and word.endswith(_STREET_ENDINGS)) for word in words):
        # "1 week course", "Via oral 5 mg": a house number stands first, last, or beside the street.
        return houses[0] == 0 or any(word[:1].isupper() for word in parts)
    named = [part for part in parts[1:] if part[:1].isalpha()]
    capital = bool(named) and all(part[0].isupper() for part in named) and len(named[0]) > 2
    return houses[0] == 0 and len(parts[0]) <= 6 and capital and not text.isupper() and 3 <= len(parts) <= 8
