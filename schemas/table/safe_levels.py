"""The closed vocabularies of the safe profile: the only words about levels that may leave the machine.

A level's own text is never sent. Where it is a common clinical or administrative word listed here, that word goes along
in its canonical spelling; every other level is called ``L1`` … ``Lk``. A word belongs here only if knowing it says
nothing about a person beyond the column's kind: no places, no diagnoses, no drugs, no free categories.
"""

from __future__ import annotations

import re

__all__ = ["LEVEL_WORDS", "POOLED_LEVEL", "canonical_level", "is_safe_level"]

POOLED_LEVEL = "rare"
"""Name of the level that rare levels are pooled into."""

_SPELLINGS: dict[str, str] = {
    "yes": "yes y ja j oui si sí sim",
    "no": "no nein non nao não",
    "n": "n",
    "true": "true",
    "false": "false",
    "t": "t",
    "f": "f",
    "m": "m",
    "male": "male man mann männlich maennlich masculin homme masculino hombre varón varon",
    "female": "female woman frau weiblich féminin feminin femme femenino mujer",
    "w": "w",
    "other": "other andere autre otro divers",
    "unknown": "unknown unbekannt inconnu desconocido",
    "not reported": "not reported|not specified|not stated|declined|refused",
    "positive": "positive pos positiv positif positivo",
    "negative": "negative neg negativ négatif negativo",
    "normal": "normal norm",
    "abnormal": "abnormal",
    "present": "present",
    "absent": "absent|not present|notpresent",
    "good": "good",
    "fair": "fair",
    "poor": "poor",
    "excellent": "excellent",
    "low": "low niedrig bas bajo",
    "medium": "medium|mid|mittel",
    "high": "high hoch élevé alto",
    "none": "none",
    "mild": "mild leicht léger leve",
    "moderate": "moderate mittelschwer modéré moderado",
    "severe": "severe schwer sévère severo",
    "never": "never|never smoker|nie|jamais|nunca",
    "former": "former|former smoker|ex-smoker|quit|ehemals",
    "current": "current|current smoker|smoker|aktuell",
    "alive": "alive vivant vivo lebend",
    "dead": "dead deceased expired died tot verstorben décédé fallecido",
    "censored": "censored",
    "event": "event",
    "single": "single ledig célibataire soltero",
    "married": "married verheiratet marié casado",
    "divorced": "divorced geschieden divorcé divorciado",
    "widowed": "widowed verwitwet veuf viudo",
    "separated": "separated getrennt",
    "control": "control kontrolle",
    "placebo": "placebo",
    "treatment": "treatment treated",
    "active": "active",
    "inactive": "inactive",
    "inpatient": "inpatient stationär",
    "outpatient": "outpatient ambulant ambulatory",
    "emergency": "emergency",
    "elective": "elective",
    "urgent": "urgent",
    "up": "up",
    "down": "down",
    "steady": "steady",
    "stage i": "i",
    "stage ii": "ii",
    "stage iii": "iii",
    "stage iv": "iv",
}

LEVEL_WORDS: frozenset[str] = frozenset(_SPELLINGS)
"""Every word a level may be called, besides ``L1`` … ``Lk`` and :data:`POOLED_LEVEL`."""

_CANONICAL = {
    spelling: word
    for word, spellings in _SPELLINGS.items()
    for spelling in (spellings.split("|") if "|" in spellings else spellings.split(" "))
}

_NUMBERED = re.compile(r"L[1-9][0-9]{0,3}")


def canonical_level(text: str) -> str | None:
    """The vocabulary's word for a level's text, or None where it has none."""
    return _CANONICAL.get(" ".join(text.split()).casefold())


def is_safe_level(label: str) -> bool:
    """Whether ``label`` may stand in a safe profile."""
    return label == POOLED_LEVEL or label in LEVEL_WORDS or _NUMBERED.fullmatch(label) is not None
