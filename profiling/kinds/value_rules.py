"""Rules that look at values alone, so that they work where names say nothing."""

from __future__ import annotations

import re

from .column_facts import Evidence
from .decision import Verdict
from .value_patterns import DIRECT

__all__ = [
    "boolean", "capital_name", "categorical", "constant", "continuous", "count", "date", "direct_pattern", "empty",
    "free_text", "label_code", "name_like", "ordered_levels", "organisation", "padded_label", "place_words", "postcode",
    "record_key", "serial_number", "short_scale", "terminology", "unique_label", "written_number",
]  # fmt: skip

_PATTERN_KIND = {
    "ssn": "ssn", "email": "email", "phone": "phone", "ip": "identifier", "uuid": "identifier", "url": "identifier",
    "street_address": "address",
}  # fmt: skip


def empty(e: Evidence) -> Verdict | None:
    """No value at all."""
    return Verdict("constant") if not e.totals.present or not e.texts else None


def direct_pattern(e: Evidence) -> Verdict | None:
    """Shapes that identify on their own; a licence number only where hardly any repeats."""
    for shape in DIRECT:
        if e.has(shape):
            return Verdict(_PATTERN_KIND[shape], direct=True, detail="record" if shape == "uuid" else "")  # type: ignore[arg-type]
    if e.has("licence", 0.95) and e.unique_share > 0.9 and e.distinct > 10:
        return Verdict("identifier", direct=True)
    return None


def constant(e: Evidence) -> Verdict | None:
    """One value; next to missing cells it may be a flag, which the name decides."""
    if e.distinct != 1:
        return None
    if e.totals.present < e.totals.rows and e.header.says("event_whole", "flag") and e.texts[0].casefold() in _TRUE:
        return Verdict("event_indicator" if e.header.says("event_whole") else "boolean")
    return Verdict("constant")


_TRUE = frozenset(["y", "yes", "1", "true", "t", "x", "ja", "oui", "si"])


def date(e: Evidence) -> Verdict | None:
    """Dates; a bare number or year-month needs a name or a plausible range of years."""
    d = e.date
    if d is None or d.share < (0.6 if e.header.says("date", "birth") else 0.9):
        if e.has("clock_time", 0.9) and e.number is None:
            return Verdict("datetime")
        return None
    if d.weak and not e.header.says("date", "birth"):
        span = d.last_year - d.first_year
        if not (d.first_year >= 1900 and d.last_year <= 2035 and span <= 110 and d.share == 1.0 and len(e.texts) >= 5):
            return None
    birth = e.header.says("birth") and not e.header.says("place")
    return Verdict("datetime" if d.clock else "date", direct=True, quasi=birth, detail="birth" if birth else "")


def terminology(e: Evidence) -> Verdict | None:
    """Codes of ICD, LOINC, SNOMED, ATC and NDC."""
    if e.distinct < 4:
        return None
    if e.has("icd10", 0.8) and (e.distinct >= 15 or _mostly_dotted(e)) and e.number is None:
        return Verdict("code", detail="icd")
    if e.has("loinc", 0.9) and e.number is None:
        return Verdict("code")
    if e.has("atc", 0.9) and e.number is None and e.distinct >= 8:
        return Verdict("code")
    if e.has("ndc", 0.9) and (e.number is None or e.header.says("code") or _eleven(e)):
        return Verdict("code")
    if e.has("snomed", 0.9):
        return Verdict("code")
    return _icd9(e)


def _eleven(e: Evidence) -> bool:
    return e.cells.zero_led and e.unique_share < 0.9


def _mostly_dotted(e: Evidence) -> bool:
    return sum("." in text for text in e.texts) > 0.3 * len(e.texts)


def _icd9(e: Evidence) -> Verdict | None:
    """ICD-9-CM: up to three digits (leading zeros are often lost), two after a dot or none, among V and E codes."""
    if e.distinct < 20 or e.number is not None:
        return None
    coded = sum(
        re.fullmatch(r"\d{1,3}(?:\.?\d{1,2})?|V\d{2}(?:\.?\d{1,2})?|E\d{3}(?:\.?\d)?", t) is not None for t in e.texts
    )
    lettered = sum(t[0] in "VE" for t in e.texts)
    return Verdict("code", detail="icd") if coded >= 0.95 * len(e.texts) and lettered >= 1 else None


def boolean(e: Evidence) -> Verdict | None:
    """Two values."""
    return Verdict("boolean") if e.distinct == 2 else None


def serial_number(e: Evidence) -> Verdict | None:
    """Whole numbers that never repeat although measurements in their range would, or that rise row by row."""
    n = e.number
    if n is None or not n.integer or n.minimum < 0 or e.unique_share < 0.98 or e.totals.present < 0.9 * e.totals.rows:
        return None
    if e.distinct < 11:
        return None
    # Birthday problem: pairs of equal values to expect of random draws from the range (about 8 make none unlikely).
    collisions = e.distinct * (e.distinct - 1) / 2 / (n.maximum - n.minimum + 1)
    never_repeats = e.unique_share >= 0.9999 and collisions >= 8
    long = e.cells.width >= 5 and e.distinct > 50
    if never_repeats or long or (n.ascending and e.distinct >= 20) or e.distinct > 2000:
        return Verdict("identifier", direct=True, detail="record")
    return None


def record_key(e: Evidence) -> Verdict | None:
    """Keys that repeat: a person's number on each of the person's rows."""
    n = e.number
    if n is not None:
        if not n.integer or n.minimum < 0:
            return None
        # Rows of one value together and never apart, although chance would bring values back: a key, no measurement.
        runs = e.distinct / e.blocks if e.blocks else 0.0
        returns = runs * (runs - 1) / 2 / (n.maximum - n.minimum + 1)
        if e.blocks >= 0.999 and returns >= 3 and e.distinct >= 20 and e.unique_share < 0.9 and not n.sorted:
            return Verdict("identifier", direct=True, detail="record")
        if e.blocks >= 0.98 and e.distinct >= 20 and e.unique_share < 0.7 and n.dense and n.minimum in (0, 1):
            return Verdict("identifier", direct=True, detail="record")
        arbitrary = n.round_share < 0.3
        if e.blocks >= 0.99 and e.distinct >= 20 and e.cells.width >= 5 and arbitrary and e.unique_share < 0.98:
            return Verdict("identifier", direct=True, detail="record")
        if (
            e.cells.width >= 5
            and e.distinct >= 30
            and arbitrary
            and (e.unique_share > 0.3 or e.blocks > 0.9)
            and _spread(e)
        ):
            return Verdict("identifier", direct=True, detail="record")
        # Numbers of one length that stay the same for many rows and lie far apart: a person's or stay's number.
        sparse = n.maximum - n.minimum >= 20 * e.distinct and e.unique_share < 0.3
        if e.cells.width >= 5 and e.distinct >= 30 and arbitrary and sparse and e.run >= 3:
            return Verdict("identifier", direct=True, detail="record")
        if n.maximum >= 1e6 and e.distinct >= 1000 and arbitrary and e.unique_share > 0.5 and n.minimum > 0:
            return Verdict("identifier", direct=True, detail="record")
        return None
    w = e.word
    if w is None or w.mean_words > 1.3 or w.digit_share < 0.95 or e.distinct < 20:
        return None
    if _is_opaque(e):
        return Verdict("identifier", direct=True, detail="record")
    one_form = w.template_share >= 0.9 and w.median_length >= 4
    digits = sum(sum(c.isdigit() for c in t) for t in e.texts) / len(e.texts)
    kept = e.unique_share >= 0.5 or e.blocks >= 0.95 or (e.run >= 3 and e.unique_share < 0.3)
    if one_form and digits >= 4 and kept and not e.has("zip"):
        return Verdict("identifier", direct=True, detail="record")
    return None


def _is_opaque(e: Evidence) -> bool:
    """Letters and digits mixed beyond any template, of one length from 8: a hash or random key."""
    w = e.word
    if w is None or w.width < 8 or w.template_share > 0.5:
        return False
    mixed = sum(t.isalnum() and any(c.isdigit() for c in t) and any(c.isalpha() for c in t) for t in e.texts)
    return mixed >= 0.9 * len(e.texts)


def _spread(e: Evidence) -> bool:
    """Spread about evenly between the ends, as numbers given out one after another or at random are."""
    assert e.number is not None
    q5, q25, q50, q75, q95 = e.number.quantiles
    width = q95 - q5
    return width > 0 and 0.15 <= (q50 - q5) / width <= 0.85 and (q75 - q25) / width >= 0.25


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


def ordered_levels(e: Evidence) -> Verdict | None:
    """Intervals, numbered words, roman numerals, and words of a scale."""
    if e.word is None or not 3 <= e.distinct <= 25:
        return None
    texts = e.texts
    if sum(_INTERVAL.fullmatch(t) is not None for t in texts) >= max(2, 0.5 * len(texts)):
        return Verdict("ordinal")
    if sum(_NUMBERED.fullmatch(t) is not None for t in texts) >= 0.9 * len(texts) and e.distinct <= 12:
        return Verdict("ordinal")
    if e.has("roman", 0.9):
        return Verdict("ordinal")
    words = [t.casefold().split()[0].strip("(),.") for t in texts]
    known = [word for word in words if word not in ("unknown", "other", "missing", "not", "unbekannt")]
    if len(known) >= 2 and sum(word in _SCALE_WORDS for word in known) >= 0.75 * len(known):
        return Verdict("ordinal")
    return None


def short_scale(e: Evidence) -> Verdict | None:
    """Whole numbers 0..k or 1..k with hardly a gap."""
    n = e.number
    if n is None or not 3 <= e.distinct <= 11:
        return None
    if not n.integer:
        return (
            Verdict("ordinal") if e.distinct <= 5 and n.minimum >= 0 and n.decimals <= 1 and n.maximum <= 10 else None
        )
    if n.minimum in (0, 1) and n.maximum - n.minimum <= e.distinct:
        return Verdict("ordinal")
    return None


def count(e: Evidence) -> Verdict | None:
    """Small whole numbers from 0, most of them near it."""
    n = e.number
    if n is None or not n.integer or n.minimum < 0 or n.maximum > 500 or e.distinct < 6:
        return None
    _, _, q50, q75, q95 = n.quantiles
    skewed = q50 <= 0.25 * n.maximum and q75 <= 0.5 * n.maximum and q95 <= 60
    # Measurements seldom start at 0 or 1 and leave no number out; numbers of things do.
    filled = e.distinct >= 0.85 * (n.maximum - n.minimum + 1) and n.maximum <= 200
    return Verdict("count") if n.minimum in (0, 1) and (skewed or filled) else None


def continuous(e: Evidence) -> Verdict | None:
    """Any other numbers; very few odd values of whole numbers are labels."""
    n = e.number
    if n is None:
        return None
    if e.cells.zero_led and e.distinct > 1:
        return Verdict("code")
    if n.integer and e.distinct <= 6 and n.minimum >= 0 and not e.cells.censored:
        return Verdict("categorical")
    return Verdict("continuous")


_RANGE = re.compile(r"[<>]?=?\s*\d+(?:[.,]\d+)?(?:\s*-\s*\d+(?:[.,]\d+)?)?\s*[a-zA-Z%]{0,3}")


def written_number(e: Evidence) -> Verdict | None:
    """Numbers among which some are ranges or carry a unit."""
    if e.word is None or e.distinct < 12 or e.word.template_share > 0.9:
        return None
    plain = sum(re.fullmatch(r"\d+(?:[.,]\d+)?", t) is not None for t in e.texts)
    if plain < 0.4 * len(e.texts) or sum(_RANGE.fullmatch(t) is not None for t in e.texts) < 0.97 * len(e.texts):
        return None
    return Verdict("continuous")


def free_text(e: Evidence) -> Verdict | None:
    """Sentences and phrases."""
    w = e.word
    if w is None or e.distinct < 11:
        return None
    if w.title_share >= 0.8 and w.mean_words < 5:
        return None
    if w.mean_words >= 4 and (e.unique_share > 0.3 or w.median_length >= 30) and e.distinct > 25:
        return Verdict("free_text", withheld=True)
    if w.mean_words >= 1.4 and e.unique_share > 0.5 and w.title_share < 0.5 and e.distinct > 25:
        return Verdict("free_text", withheld=True)
    return None


def padded_label(e: Evidence) -> Verdict | None:
    """``007``: a number that is written with leading zeros to one length is a label."""
    if e.number is None or not e.cells.zero_led or e.cells.width < 2 or e.distinct < 3 or e.unique_share > 0.5:
        return None
    return Verdict("code" if e.distinct > 60 else "categorical")


def capital_name(e: Evidence) -> Verdict | None:
    """Single words in capitals, longer than codes are, from a long list: could be surnames."""
    w = e.word
    if w is None or e.distinct < 30 or w.upper_share < 0.95 or w.letter_share < 0.95 or w.mean_words > 1.3:
        return None
    named = w.median_length >= 5 and e.unique_share >= 0.1 and not _medical(e)
    return Verdict("name", direct=True) if named else None


def name_like(e: Evidence) -> Verdict | None:
    """Capitalised words without a short list behind them."""
    w = e.word
    if w is None or e.distinct < 15:
        return None
    many = e.unique_share >= 0.05 or e.distinct >= 100
    if w.title_share >= 0.8 and many and w.mean_words < 5 and w.median_length <= 40 and not _medical(e):
        return Verdict("name", direct=True)
    return None


def unique_label(e: Evidence) -> Verdict | None:
    """Single words, nearly all different."""
    w = e.word
    if w is None or e.distinct < 20 or e.unique_share < 0.9:
        return None
    return Verdict("identifier" if w.digit_share > 0.5 else "name", direct=True, detail="record")


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


def _word_sets(e: Evidence) -> list[set[str]]:
    return [{word.strip(".,").casefold().replace(".", "") for word in text.split()} for text in e.texts]


def place_words(e: Evidence) -> Verdict | None:
    """``Hampden County``, ``Landkreis Gifhorn``: units smaller than a state."""
    if e.word is None or e.distinct < 5 or e.word.mean_words > 4:
        return None
    if sum(not words.isdisjoint(_PLACE_WORDS) for words in _word_sets(e)) >= 0.7 * len(e.texts):
        return Verdict("address", direct=True, quasi=True, detail="place")
    return None


def organisation(e: Evidence) -> Verdict | None:
    """Names of hospitals and practices: they tell where a person was treated."""
    if e.word is None or e.distinct < 30 or e.word.mean_words < 1.5 or e.word.mean_words > 7:
        return None
    if sum(not words.isdisjoint(_ORGANISATION_WORDS) for words in _word_sets(e)) >= 0.6 * len(e.texts):
        return Verdict("name", direct=True)
    return None


_DRUG_ENDINGS = re.compile(
    r"(?:in|ine|ol|ate|ide|one|pam|mab|ium|azole|pril|sartan|statin|cillin|mycin|acid|sodium|chloride|insulin|vaccine|"
    r"tablet|tab|capsule|cap|injection|solution|syringe|cream|vial|oral|mg|ml|itis|osis|emia|algia|pathy|ectomy|oma|"
    r"disease|syndrome|disorder|pain|failure|infection|test|count|level|blood|serum|acute|chronic)$",
    re.I,
)


def _medical(e: Evidence) -> bool:
    """Half of the values have a word that drugs, tests or diseases are called by; few names of persons do."""
    hits = sum(
        any(_DRUG_ENDINGS.search(word.strip(".,()")) for word in text.split() if len(word) > 3) for text in e.texts
    )
    return hits >= 0.5 * len(e.texts)


def postcode(e: Evidence) -> Verdict | None:
    """Five digits with leading zeros, or letters and digits as in Britain and Canada, which repeat a little."""
    if e.distinct < 20 or not e.has("zip", 0.95) or e.unique_share > 0.97:
        return None
    lettered = e.number is None and sum(any(c.isalpha() for c in t) for t in e.texts) > 0.9 * len(e.texts)
    spaced = lettered and sum(" " in t for t in e.texts) > 0.5 * len(e.texts)
    if (e.cells.zero_led and e.cells.width == 5) or spaced:
        return Verdict("address", direct=True, quasi=True, detail="postcode")
    return None


def label_code(e: Evidence) -> Verdict | None:
    """Labels such as ``HLT_0617``."""
    w = e.word
    if w is None or e.distinct < 30 or w.mean_words > 1.2 or w.median_length > 16:
        return None
    return Verdict("code") if w.digit_share >= 0.8 or (w.upper_share >= 0.95 and w.median_length <= 8) else None


def categorical(e: Evidence) -> Verdict | None:
    """What is left: words. A long list of phrases is text to withhold, though it identifies nobody."""
    w = e.word
    if w is not None and e.distinct > 60 and w.mean_words >= 1.8 and e.unique_share > 0.3:
        return Verdict("free_text", withheld=True)
    return Verdict("categorical")
