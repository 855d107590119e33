"""Rules that recognise identifiers by value in any language: names, towns, national numbers, keys, postcodes, plates.

Nothing here reads a column's name but to ask for more where it says drug, test or diagnosis.
"""

from __future__ import annotations

from statistics import fmean, pstdev

import pyarrow.compute as pc

from .column_facts import ColumnFacts
from .decision import Decision
from .identifiers.addresses import POSTCODES
from .identifiers.name_dictionary import name_shares
from .identifiers.national_ids import national_scheme
from .value_patterns import matches

__all__ = [
    "called_like",
    "caseless_name",
    "consecutive_label",
    "dialled",
    "full_address",
    "house_number",
    "is_arbitrary",
    "is_even",
    "long_number",
    "mobile",
    "national_number",
    "plate",
    "postcode_form",
    "repeated_key",
    "short_label",
]

FEW = 8
"""Distinct values below which a share of names may be chance."""


def national_number(column: ColumnFacts) -> Decision | None:
    """Numbers of persons by form and check digit."""
    number = column.number
    if number is not None and (not number.integer or number.minimum < 0 or number.maximum < 1e6):
        return None
    scheme = national_scheme(column.texts, numbers=number is not None)
    if scheme is None:
        return None
    reason = f"The values follow the form and check digit of a number given to persons: {scheme}."
    return Decision("identifier", direct=True, detail="record", reason=reason)


def called_like(column: ColumnFacts) -> Decision | None:
    """Names of persons, towns and regions, by dictionary."""
    word = column.word
    if word is None or column.distinct < 3 or word.mean_words > 6 or column.date is not None:
        return None
    shares = name_shares(column.texts)
    least = 0.8 if column.header.says("term", "code", "code_id") else 0.5
    if word.mean_words >= 1.8 and word.title_share >= 0.9 and word.digit_share < 0.1:
        least -= 0.15  # two capitalised words are names as often as not
    if shares.titled >= 0.8:
        return Decision("name", direct=True, reason="The values begin with titles such as Dr or Mrs.")
    if shares.region >= 0.8 and shares.region > shares.place:
        return Decision("quasi_identifier", quasi=True, reason="The values are called like countries or states.")
    towns = shares.place + (shares.region if shares.place >= 0.2 else 0.0)
    if towns > shares.person and _is_enough(column, towns, 0.9):
        reason = "The values are called like towns."
        return Decision("address", direct=True, quasi=True, detail="place", reason=reason)
    if shares.person >= least and column.distinct >= FEW:
        return Decision("name", direct=True, reason="The values are called like persons.")
    if shares.whole >= 0.9 and column.distinct >= 4:
        return Decision("name", direct=True, reason="The values are called like persons.")
    return None


def _is_enough(column: ColumnFacts, share: float, of_few: float) -> bool:
    assert column.word is not None
    if column.distinct >= FEW:
        return share >= 0.6
    return share >= of_few and column.distinct >= 5 and column.word.median_length >= 5 and column.word.upper_share < 0.5


def repeated_key(column: ColumnFacts) -> Decision | None:
    """Keys of 8 to 16 characters that repeat as persons do, about evenly, whatever the order of rows.

    Codes of things repeat unevenly: a few stand in most rows, most in few.
    """
    if column.distinct < 20 or not 0.005 <= column.unique_share < 0.98 or not _is_long_key(column):
        return None
    if not is_even(column):
        return None
    reason = "Keys of 8 to 16 characters that repeat about evenly, as persons do."
    return Decision("identifier", direct=True, detail="record", reason=reason)


def is_even(column: ColumnFacts) -> bool:
    """Values repeat about evenly: no few of them stand in most rows."""
    counts = column.values.counts.to_pylist()
    mean = fmean(counts)
    return bool(pstdev(counts) <= 1.4 * mean and max(counts) <= max(0.05 * sum(counts), 4 * mean, 3))


def is_arbitrary(column: ColumnFacts) -> bool:
    """Whole numbers that end in 0 or 5 no more often than chance has it."""
    number = column.number
    if number is None or not number.integer or number.minimum < 0:
        return False
    return bool(number.round_share < 0.2 + 1.5 / min(column.distinct, 250) ** 0.5)


def long_number(column: ColumnFacts) -> Decision | None:
    """Whole numbers of nine digits and more, hardly any twice: no measurement has so many."""
    number = column.number
    if number is None or column.distinct < 20 or column.unique_share < 0.95 or not is_arbitrary(column):
        return None
    return Decision("identifier", direct=True, detail="record") if number.quantiles[0] >= 1e8 else None


def consecutive_label(column: ColumnFacts) -> Decision | None:
    """``P0001``, ``P0002`` …: one prefix and consecutive numbers of one length, none much more often than others."""
    word = column.word
    if word is None or not word.prefix or column.distinct < 20 or column.distinct > 100_000 or word.width < 4:
        return None
    numbers = [text[len(word.prefix) :].lstrip("-_ ") for text in column.values.distinct.to_pylist()]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        return None
    low, high = min(map(int, numbers)), max(map(int, numbers))
    dense = len(numbers) >= 0.8 * (high - low + 1) and low <= max(10, 0.1 * high)
    if not dense or not is_even(column):
        return None
    reason = "Labels of one prefix with consecutive numbers."
    return Decision("identifier", direct=True, detail="record", reason=reason)


def _is_long_key(column: ColumnFacts) -> bool:
    number, word = column.number, column.word
    lengths = sorted(map(len, column.texts))
    low, high = lengths[len(lengths) // 20], lengths[-1]
    if not (7 if number is not None else 8) <= low <= high <= 16 or high < 8:
        return False
    if number is not None:
        # Terminologies number in a narrow band (MedDRA from 10,000,000); persons' numbers are spread.
        return (
            is_arbitrary(column)
            and number.maximum - number.minimum >= 100 * column.distinct
            and not column.has("snomed")
        )
    if word is None or word.mean_words > 1.05 or column.date is not None:
        return False
    if word.width >= 8 and word.template_share <= 0.3 and word.digit_share >= 0.6:
        return all(text.isalnum() for text in column.texts)
    if word.digit_share < 0.9:
        return False
    digits = sum(sum(c.isdigit() for c in text) for text in column.texts) / len(column.texts)
    coded = column.has("ndc") or column.has("icd10") or column.has("loinc") or column.has("decimal", 0.5)
    return digits >= 4 and not coded


def caseless_name(column: ColumnFacts) -> Decision | None:
    """Short words of a script without capitals, mostly different (fail closed)."""
    word = column.word
    if word is None or column.distinct < 15 or column.unique_share < 0.3 or word.digit_share > 0.1:
        return None
    caseless = sum(any(c.isalpha() and c.lower() == c.upper() for c in text) for text in column.texts)
    if caseless < 0.8 * len(column.texts) or word.mean_words > 3.2:
        return None
    longest = 5 if word.mean_words < 1.3 and any("\u3040" <= c <= "\ud7af" for c in column.texts[0]) else 25
    return Decision("name", direct=True) if word.median_length <= longest else None


_HOUSE = r"(?:no\.? ?|nr\.? ?|№ ?)?\d{1,5} ?[a-zA-Z]?(?:[-/]\d{1,4}[a-zA-Z]?)*"
_STREET_AND_HOUSE = "|".join(
    (
        rf"{_HOUSE},? (?:[^\d,]+)(?: [IVX]+)?",
        rf"[^\d,]*\pL[^\d,]*(?:\d{{1,2}}[^\d,]+)?,? {_HOUSE}",
        rf"\p{{Lo}}+{_HOUSE}\p{{Lo}}?",
    )
)


def house_number(column: ColumnFacts) -> Decision | None:
    """Words with one number before or after them, nearly all different: streets with house numbers."""
    word = column.word
    if word is None or column.distinct < 20 or column.unique_share < 0.5 or not 5 <= word.median_length <= 45:
        return None
    if word.digit_share < 0.95 or not 1.0 <= word.mean_words <= 6 or column.date is not None:
        return None
    if matches(column.texts, f"(?i:{_STREET_AND_HOUSE})") < 0.85 * len(column.texts):
        return None
    numbers = {"".join(c for c in text if c.isdigit()) for text in column.texts}
    large = sum(len(number) >= 2 for number in numbers) >= 0.5 * len(numbers)
    capital = sum(_has_name_words(text) for text in column.texts) >= 0.8 * len(column.texts)
    return Decision("address", direct=True) if len(numbers) >= 12 and large and capital else None


def _has_name_words(text: str) -> bool:
    """Some word of three letters with a capital, or in a script that has none."""
    words = [word for word in text.split() if sum(c.isalpha() for c in word) >= 3]
    return any(word[0].isupper() or word[0].lower() == word[0].upper() for word in words) and not text.isupper()


def full_address(column: ColumnFacts) -> Decision | None:
    """Several parts, a number among them, words with capitals: street, number and town in one cell."""
    word = column.word
    if word is None or column.distinct < 15 or column.unique_share < 0.8 or column.date is not None:
        return None
    if word.digit_share < 0.9 or not 3 <= word.mean_words <= 12 or not 12 <= word.median_length <= 90:
        return None
    parts = [text.replace(",", " , ").split() for text in column.texts]
    named = sum(_is_part(part) for words in parts for part in words) >= 0.7 * sum(map(len, parts))
    several = sum("," in words or sum(part[0].isdigit() for part in words) >= 2 for words in parts)
    return Decision("address", direct=True) if named and several >= 0.7 * len(parts) else None


def _is_part(part: str) -> bool:
    """A comma, a number, or a word with a capital or of a script without."""
    return not part[0].isalpha() or part[0] != part[0].lower() or part[0] == part[0].upper()


def short_label(column: ColumnFacts) -> Decision | None:
    """Letters and digits in two or three short groups, hardly any twice: plates and labels (fail closed)."""
    word = column.word
    if word is None or column.distinct < 20 or column.unique_share < 0.9 or not 4 <= word.median_length <= 11:
        return None
    letter = r"[A-Z\p{Lo}]"
    form = rf"(?:{letter}|\d){{1,4}}(?:[ -]?(?:{letter}|\d){{1,6}}){{1,2}}"
    mixed = sum(any(c.isdigit() for c in text) and any(c.isalpha() for c in text) for text in column.texts)
    grouped = matches(column.texts, form) >= 0.95 * len(column.texts)
    return Decision("identifier", direct=True) if grouped and mixed >= 0.9 * len(column.texts) else None


def dialled(column: ColumnFacts) -> Decision | None:
    """Seven to fifteen digits with blanks, brackets or a plus among them, hardly any twice."""
    if column.word is None or column.date is not None or column.distinct < 15 or column.unique_share < 0.7:
        return None
    counts = [sum(c.isdigit() for c in text) for text in column.texts]
    usual = sum(7 <= count <= 15 for count in counts) >= 0.95 * len(counts)
    marked = sum(any(c in " ()+" for c in text.strip()) for text in column.texts) >= 0.3 * len(column.texts)
    if not usual or not marked or matches(column.texts, r"\+?[\d()][\d ().\-/]*") < 0.95 * len(column.texts):
        return None
    return Decision("phone", direct=True) if max(counts) - min(counts) <= 6 else None


def postcode_form(column: ColumnFacts) -> Decision | None:
    """Values of a form that hardly anything but postcodes has."""
    if column.word is None or column.distinct < FEW or column.word.median_length > 10:
        return None
    if any(matches(column.texts, form) >= 0.95 * len(column.texts) for form in POSTCODES):
        return Decision("address", direct=True, quasi=True, detail="postcode")
    return None


_PLATES = (
    r"[A-ZÄÖÜ]{1,3}-[A-ZÄÖÜ]{1,2} ?\d{1,4}[EH]?|[A-Z]{2}\d{2} [A-Z]{3}|[A-Z]{2}[- ]\d{3}[- ][A-Z]{2}"
    r"|\d{4} [B-DF-HJ-NPRSTV-Z]{3}|\d{2} [A-Z]{1,3} \d{2,4}|[A-Z]{3}[- ]\d[A-Z0-9]\d{2}"
)


def plate(column: ColumnFacts) -> Decision | None:
    """Registration plates of cars."""
    if column.word is None or column.distinct < 10 or column.unique_share < 0.3:
        return None
    return Decision("identifier", direct=True) if matches(column.texts, _PLATES) >= 0.9 * len(column.texts) else None


def mobile(column: ColumnFacts) -> Decision | None:
    """Ten or eleven digits with a leading 0 and few area codes: telephone numbers without a mark."""
    if not column.values.zero_led or column.values.width not in (10, 11) or column.distinct < 10:
        return None
    led = matches(column.texts, r"0[1-9]\d{8,9}") == len(column.texts)
    codes = len(set(pc.utf8_slice_codeunits(column.values.distinct, 0, 2).to_pylist()))
    return Decision("phone", direct=True) if led and codes <= 4 and column.unique_share >= 0.3 else None
