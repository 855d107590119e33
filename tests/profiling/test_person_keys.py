"""Keys of persons by how they repeat, whatever their form, name and order of rows; codes of things are none."""

from __future__ import annotations

import random
from collections.abc import Callable

import pyarrow as pa
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.profile import TableProfile

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

FORMS: dict[str, Callable[[random.Random, int], str]] = {
    "dotted": lambda r, n: (
        f"{r.randrange(1000):03}.{r.randrange(1000):03}.{r.randrange(1000):03}-{r.randrange(100):02}"
    ),
    "dossier and year": lambda r, n: f"{r.randrange(2015, 2023)}/{r.randrange(10**6):06}",
    "letters and digits": lambda r, n: f"KH{r.randrange(10**8):08}",
    "eight digits": lambda r, n: str(r.randrange(10**7, 10**8)),
    "ten digits": lambda r, n: str(r.randrange(10**9, 10**10)),
    "leading zeros": lambda r, n: f"{r.randrange(10**8):09}",
    "hexadecimal": lambda r, n: f"{r.randrange(16**16):016x}",
    "random letters": lambda r, n: "".join(r.choice(LETTERS) for _ in range(9)),
    "consecutive": lambda r, n: f"P{n:04}",
}


def _profile(keys: list[str], r: random.Random, *, weights: list[float] | None = None) -> TableProfile:
    drawn = r.choices(keys, weights=weights, k=600)
    values = [f"{r.gauss(5, 1):.2f}" for _ in drawn]
    return profile_table(pa.table({"V1": drawn, "V2": values, "V3": [r.choice("ab") for _ in drawn]}))


@pytest.mark.parametrize("persons", [40, 150])
@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_repeats_evenly_tells_persons_apart(form: str, persons: int) -> None:
    r = random.Random(f"{form} {persons}")
    profile = _profile([FORMS[form](r, n) for n in range(persons)], r)
    assert profile.patient_id == "V1"
    assert profile.columns[0].safe.direct_identifier


@pytest.mark.parametrize("form", ["letters and digits", "eight digits", "dossier and year"])
def test_codes_of_things_repeat_unevenly(form: str) -> None:
    r = random.Random(form)
    keys = [FORMS[form](r, n) for n in range(80)]
    profile = _profile(keys, r, weights=[1 / (n + 1) for n in range(len(keys))])
    assert not profile.columns[0].safe.direct_identifier


@pytest.mark.parametrize("width", [5, 6, 7])
def test_a_shorter_key_is_told_by_what_never_changes_within_it(width: int) -> None:
    r = random.Random(width)
    sexes = {str(r.randrange(10 ** (width - 1), 10**width)): r.choice("mf") for _ in range(120)}
    drawn = r.choices(list(sexes), k=600)
    values = [f"{r.gauss(5, 1):.2f}" for _ in drawn]
    table = pa.table({"V1": drawn, "V2": [sexes[key] for key in drawn], "V3": values})
    assert profile_table(table).patient_id == "V1"
    unsteady = table.set_column(1, "V2", [[r.choice("mf") for _ in drawn]])
    assert profile_table(unsteady).patient_id is None


def test_subject_numbers_of_a_trial_are_no_codes_of_diseases() -> None:
    table = pa.table({"V1": [f"P{n:04}" for n in range(1, 151)], "V2": ["a", "b"] * 75})
    assert profile_table(table).columns[0].safe.kind == "identifier"
