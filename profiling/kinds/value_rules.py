"""Rules that look at values alone, so that they work where names say nothing."""

from __future__ import annotations

import re

from .column_facts import ColumnFacts
from .decision import Decision
from .value_patterns import DIRECT

__all__ = [
    "boolean", "capital_name", "categorical", "constant", "continuous", "count", "date", "direct_pattern", "empty",
    "free_text", "label_code", "name_like", "ordered_levels", "organisation", "padded_label", "place_words", "postcode",
    "serial_number", "short_scale", "terminology", "unique_label", "written_number",
]  # fmt: skip

_PATTERN_KIND = {
    "ssn": "ssn", "email": "email", "phone": "phone", "ip": "identifier", "uuid": "identifier", "url": "identifier",
    "street_address": "address",
}  # fmt: skip


def empty(column: ColumnFacts) -> Decision | None:
    """No value at all."""
    return Decision("constant") if not column.totals.present or not column.texts else None


def direct_pattern(column: ColumnFacts) -> Decision | None:
    """Shapes that identify on their own; a licence number only where hardly any repeats."""
    for shape in DIRECT:
        if column.has(shape):
            return Decision(_PATTERN_KIND[shape], direct=True, detail="record" if shape == "uuid" else "")  # type: ignore[arg-type]
    if column.has("licence", 0.95) and column.unique_share > 0.9 and column.distinct > 10:
        return Decision("identifier", direct=True)
    return None


def constant(column: ColumnFacts) -> Decision | None:
    """One value; next to missing values it may be a flag, which the name decides."""
    if column.distinct != 1:
        return None
    if (
        column.totals.present < column.totals.rows
        and column.header.says("event_whole", "flag")
        and column.texts[0].casefold() in _TRUE
    ):
        return Decision("event_indicator" if column.header.says("event_whole") else "boolean")
    return Decision("constant")


_TRUE = frozenset(["y", "yes", "1", "true", "t", "x", "ja", "oui", "si"])


def date(column: ColumnFacts) -> Decision | None:
    """Dates; a bare number or year-month needs a name or a plausible range of years."""
    d = column.date
    if d is None or d.share < (0.6 if column.header.says("date", "birth") else 0.9):
        if column.has("clock_time", 0.9) and column.number is None:
            return Decision("datetime")
        return None
    if d.weak and not column.header.says("date", "birth"):
        span = d.last_year - d.first_year
        if not (
            d.first_year >= 1900 and d.last_year <= 2035 and span <= 110 and d.share == 1.0 and len(column.texts) >= 5
        ):
            return None
    birth = column.header.says("birth") and not column.header.says("place")
    return Decision("datetime" if d.clock else "date", direct=True, quasi=birth, detail="birth" if birth else "")


def terminology(column: ColumnFacts) -> Decision | None:
    """Codes of ICD, LOINC, SNOMED, ATC and NDC."""
    if column.distinct < 4:
        return None
    if column.has("icd10", 0.8) and (column.distinct >= 15 or _mostly_dotted(column)) and column.number is None:
        return Decision("code", detail="icd")
    if column.has("loinc", 0.9) and column.number is None:
        return Decision("code")
    if column.has("atc", 0.9) and column.number is None and column.distinct >= 8:
        return Decision("code")
    if column.has("ndc", 0.9) and (column.number is None or column.header.says("code") or _eleven(column)):
        return Decision("code")
    if column.has("snomed", 0.9):
        return Decision("code")
    return _icd9(column)


def _eleven(column: ColumnFacts) -> bool:
    return column.values.zero_led and column.unique_share < 0.9


def _mostly_dotted(column: ColumnFacts) -> bool:
    return sum("." in text for text in column.texts) > 0.3 * len(column.texts)


def _icd9(column: ColumnFacts) -> Decision | None:
    """ICD-9-CM: up to three digits (leading zeros are often lost), two after a dot or none, among V and E codes."""
    if column.distinct < 20 or column.number is not None:
        return None
    coded = sum(
        re.fullmatch(r"\d{1,3}(?:\.?\d{1,2})?|V\d{2}(?:\.?\d{1,2})?|E\d{3}(?:\.?\d)?", t) is not None
        for t in column.texts
    )
    lettered = sum(t[0] in "VE" for t in column.texts)
    return Decision("code", detail="icd") if coded >= 0.95 * len(column.texts) and lettered >= 1 else None


def boolean(column: ColumnFacts) -> Decision | None:
    """Two values."""
    return Decision("boolean") if column.distinct == 2 else None


def serial_number(column: ColumnFacts) -> Decision | None:
    """Whole numbers that never repeat although measurements in their range would, or that rise row by row."""
    n = column.number
    if (
        n is None
        or not n.integer
        or n.minimum < 0
        or column.unique_share < 0.98
        or column.totals.present < 0.9 * column.totals.rows
    ):
        return None
    if column.distinct < 11:
        return None
    # Birthday problem: pairs of equal values to expect of random draws from the range (about 8 make none unlikely).
    collisions = column.distinct * (column.distinct - 1) / 2 / (n.maximum - n.minimum + 1)
    never_repeats = column.unique_share >= 0.9999 and collisions >= 8
    long = column.values.width >= 5 and column.distinct > 50
    if never_repeats or long or (n.ascending and column.distinct >= 20) or column.distinct > 2000:
        return Decision("identifier", direct=True, detail="record")
    return None


_INTERVAL = re.compile(
    r"[\[(]?\s*[<>]?=?\s*\d+(?:[.,]\d+)?\s*(?:-|\u2013|to|,|bis|and|\+)\s*(?:<?\d+(?:[.,]\d+)?)?\s*[\])]?\s*[a-zA-Z]*|[<>≤≥]=?\s*\d+.*"
)
_NUMBERED = re.compile(r"\d{1,2}[_.\- :)=].*[^\W\d_].*|\d{1,2}_\S.*")
_SCALE_WORDS = frozenset(
    (
        "none", "mild", "moderate", "severe", "low", "medium", "high", "very", "poor", "fair", "good", "excellent",
        "never", "rarely", "sometimes", "often", "always", "possible", "probable", "definite", "minimal", "marked",
        "small", "large", "improved", "worse", "normal", "elevated", "leicht", "mittel", "schwer",
    )
)  # fmt: skip


def ordered_levels(column: ColumnFacts) -> Decision | None:
    """Intervals, numbered words, roman numerals, and words of a scale."""
    if column.word is None or not 3 <= column.distinct <= 25:
        return None
    texts = column.texts
    if sum(_INTERVAL.fullmatch(t) is not None for t in texts) >= max(2, 0.5 * len(texts)):
        return Decision("ordinal")
    if sum(_NUMBERED.fullmatch(t) is not None for t in texts) >= 0.9 * len(texts) and column.distinct <= 12:
        return Decision("ordinal")
    if column.has("roman", 0.9):
        return Decision("ordinal")
    words = [t.casefold().split()[0].strip("(),.") for t in texts]
    scaled = [word for word in words if word not in ("unknown", "other", "missing", "not", "unbekannt")]
    if len(scaled) >= 2 and sum(word in _SCALE_WORDS for word in scaled) >= 0.75 * len(scaled):
        return Decision("ordinal")
    return None


def short_scale(column: ColumnFacts) -> Decision | None:
    """Whole numbers 0..k or 1..k with hardly a gap."""
    n = column.number
    if n is None or not 3 <= column.distinct <= 11:
        return None
    if not n.integer:
        return (
            Decision("ordinal")
            if column.distinct <= 5 and n.minimum >= 0 and n.decimals <= 1 and n.maximum <= 10
            else None
        )
    if n.minimum in (0, 1) and n.maximum - n.minimum <= column.distinct:
        return Decision("ordinal")
    return None


def count(column: ColumnFacts) -> Decision | None:
    """Small whole numbers from 0, most of them near it."""
    n = column.number
    if n is None or not n.integer or n.minimum < 0 or n.maximum > 500 or column.distinct < 6:
        return None
    _, _, q50, q75, q95 = n.quantiles
    skewed = q50 <= 0.25 * n.maximum and q75 <= 0.5 * n.maximum and q95 <= 60
    # Measurements seldom start at 0 or 1 and leave no number out; numbers of things do.
    filled = column.distinct >= 0.85 * (n.maximum - n.minimum + 1) and n.maximum <= 200
    return Decision("count") if n.minimum in (0, 1) and (skewed or filled) else None


def continuous(column: ColumnFacts) -> Decision | None:
    """Any other numbers; very few odd values of whole numbers are labels."""
    n = column.number
    if n is None:
        return None
    if column.values.zero_led and column.distinct > 1:
        return Decision("code")
    if n.integer and column.distinct <= 6 and n.minimum >= 0 and not column.values.censored:
        return Decision("categorical")
    return Decision("continuous")


_RANGE = re.compile(r"[<>]?=?\s*\d+(?:[.,]\d+)?(?:\s*-\s*\d+(?:[.,]\d+)?)?\s*[a-zA-Z%]{0,3}")


def written_number(column: ColumnFacts) -> Decision | None:
    """Numbers among which some are ranges or carry a unit."""
    if column.word is None or column.distinct < 12 or column.word.template_share > 0.9:
        return None
    plain = sum(re.fullmatch(r"\d+(?:[.,]\d+)?", t) is not None for t in column.texts)
    if plain < 0.4 * len(column.texts) or sum(_RANGE.fullmatch(t) is not None for t in column.texts) < 0.97 * len(
        column.texts
    ):
        return None
    return Decision("continuous")


def free_text(column: ColumnFacts) -> Decision | None:
    """Sentences and phrases."""
    w = column.word
    if w is None or column.distinct < 11:
        return None
    if w.title_share >= 0.8 and w.mean_words < 5:
        return None
    if w.mean_words >= 4 and (column.unique_share > 0.3 or w.median_length >= 30) and column.distinct > 25:
        return Decision("free_text", withheld=True)
    if w.mean_words >= 1.4 and column.unique_share > 0.5 and w.title_share < 0.5 and column.distinct > 25:
        return Decision("free_text", withheld=True)
    return None


def padded_label(column: ColumnFacts) -> Decision | None:
    """``007``: a number that is written with leading zeros to one length is a label."""
    if (
        column.number is None
        or not column.values.zero_led
        or column.values.width < 2
        or column.distinct < 3
        or column.unique_share > 0.5
    ):
        return None
    return Decision("code" if column.distinct > 60 else "categorical")


def capital_name(column: ColumnFacts) -> Decision | None:
    """Single words in capitals, longer than codes are, from a long list: could be surnames."""
    w = column.word
    if w is None or column.distinct < 30 or w.upper_share < 0.95 or w.letter_share < 0.95 or w.mean_words > 1.3:
        return None
    named = w.median_length >= 5 and column.unique_share >= 0.1 and not _medical(column)
    return Decision("name", direct=True) if named else None


def name_like(column: ColumnFacts) -> Decision | None:
    """Capitalised words without a short list behind them."""
    w = column.word
    if w is None or column.distinct < 15:
        return None
    many = column.unique_share >= 0.05 or column.distinct >= 100
    if w.title_share >= 0.8 and many and w.mean_words < 5 and w.median_length <= 40 and not _medical(column):
        return Decision("name", direct=True)
    return None


def unique_label(column: ColumnFacts) -> Decision | None:
    """Single words, nearly all different."""
    w = column.word
    if w is None or column.distinct < 20 or column.unique_share < 0.9:
        return None
    return Decision("identifier" if w.digit_share > 0.5 else "name", direct=True, detail="record")


_PLACE_WORDS = frozenset(
    (
        "county", "parish", "borough", "township", "city", "town", "village", "province", "district", "landkreis",
        "kreis", "bezirk", "gemeinde", "comune", "municipality", "commune", "departamento", "municipio",
    )
)  # fmt: skip
_ORGANISATION_WORDS = frozenset(
    (
        "inc", "llc", "ltd", "pc", "pllc", "corp", "co", "gmbh", "ag", "hospital", "clinic", "center", "centre",
        "medical", "associates", "health", "healthcare", "university", "klinikum", "krankenhaus", "hopital", "praxis",
        "therapy", "md", "services", "pharmacy", "physicians", "care", "group", "hospitals", "home", "nursing",
    )
)  # fmt: skip


def _word_sets(column: ColumnFacts) -> list[set[str]]:
    return [{word.strip(".,").casefold().replace(".", "") for word in text.split()} for text in column.texts]


def place_words(column: ColumnFacts) -> Decision | None:
    """``Hampden County``, ``Landkreis Gifhorn``: units smaller than a state."""
    if column.word is None or column.distinct < 5 or column.word.mean_words > 4:
        return None
    if sum(not words.isdisjoint(_PLACE_WORDS) for words in _word_sets(column)) >= 0.7 * len(column.texts):
        return Decision("address", direct=True, quasi=True, detail="place")
    return None


def organisation(column: ColumnFacts) -> Decision | None:
    """Names of hospitals and practices: they tell where a person was treated."""
    if column.word is None or column.distinct < 30 or column.word.mean_words < 1.5 or column.word.mean_words > 7:
        return None
    if sum(not words.isdisjoint(_ORGANISATION_WORDS) for words in _word_sets(column)) >= 0.6 * len(column.texts):
        return Decision("name", direct=True)
    return None


_DRUG_ENDINGS = re.compile(
    r"(?:in|ine|ol|ate|ide|one|pam|mab|ium|azole|pril|sartan|statin|cillin|mycin|acid|sodium|chloride|insulin|vaccine|"
    r"tablet|tab|capsule|cap|injection|solution|syringe|cream|vial|oral|mg|ml|itis|osis|emia|algia|pathy|ectomy|oma|"
    r"disease|syndrome|disorder|pain|failure|infection|test|count|level|blood|serum|acute|chronic)$",
    re.I,
)


def _medical(column: ColumnFacts) -> bool:
    """Half of the values have a word that drugs, tests or diseases are called by; few names of persons do."""
    hits = sum(
        any(_DRUG_ENDINGS.search(word.strip(".,()")) for word in text.split() if len(word) > 3) for text in column.texts
    )
    return hits >= 0.5 * len(column.texts)


def postcode(column: ColumnFacts) -> Decision | None:
    """Five digits with leading zeros, or letters and digits as in Britain and Canada, which repeat a little."""
    if column.distinct < 20 or not column.has("zip", 0.95) or column.unique_share > 0.97:
        return None
    lettered = column.number is None and sum(any(c.isalpha() for c in t) for t in column.texts) > 0.9 * len(
        column.texts
    )
    spaced = lettered and sum(" " in t for t in column.texts) > 0.5 * len(column.texts)
    if (column.values.zero_led and column.values.width == 5) or spaced:
        return Decision("address", direct=True, quasi=True, detail="postcode")
    return None


def label_code(column: ColumnFacts) -> Decision | None:
    """Labels such as ``HLT_0617``."""
    w = column.word
    if w is None or column.distinct < 30 or w.mean_words > 1.2 or w.median_length > 16:
        return None
    return Decision("code") if w.digit_share >= 0.8 or (w.upper_share >= 0.95 and w.median_length <= 8) else None


def categorical(column: ColumnFacts) -> Decision | None:
    """What is left: words. A long list that no vocabulary explains is text to withhold, though it identifies nobody."""
    w = column.word
    if w is not None and column.distinct > 60 and w.mean_words >= 1.8 and column.unique_share > 0.3:
        return Decision("free_text", withheld=True)
    if (
        w is not None
        and column.distinct > 60
        and w.mean_words < 1.8
        and column.unique_share > 0.2
        and not _medical(column)
    ):
        reason = "A long list of words that no vocabulary explains: withheld, since it may hold anything."
        return Decision("free_text", withheld=True, reason=reason)
    return Decision("categorical")
