"""Kinds and direct identifiers on tables in the shapes of the field, with their names and without."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.profiling.kinds import record_keys
from clinical_model_selector.profiling.kinds.column_facts import gather
from clinical_model_selector.profiling.kinds.column_names import read_header
from clinical_model_selector.profiling.kinds.record_keys import LABEL_KEYS, NUMBER_KEYS, record_key
from clinical_model_selector.profiling.kinds.rules import RULES
from clinical_model_selector.profiling.values.read_column import read_values

from .clinical_tables import TABLES, Made


@pytest.mark.parametrize("make", TABLES, ids=lambda make: make.__name__)
def test_every_kind_and_identifier_is_right_with_names(make: Callable[[], Made]) -> None:
    table, truth = make()
    wrong = {}
    for column in profile_table(table).columns:
        wanted = truth[column.name]
        right = column.safe.kind in wanted.rstrip("!?").split()
        if not right or (column.safe.direct_identifier != wanted.endswith("!") and not wanted.endswith("?")):
            wrong[column.name] = (column.safe.kind, column.safe.direct_identifier, wanted)
    assert wrong == {}


def test_names_may_say_nothing() -> None:
    kinds = right = direct = found = false = 0
    for make in TABLES:
        table, truth = make()
        names = table.column_names
        blind = profile_table(table.rename_columns([f"V{place}" for place in range(1, len(names) + 1)]))
        for name, column in zip(names, blind.columns, strict=True):
            wanted = truth[name]
            kinds += 1
            right += column.safe.kind in wanted.rstrip("!?").split()
            direct += wanted.endswith("!")
            found += wanted.endswith("!") and column.safe.direct_identifier
            false += column.safe.direct_identifier and not wanted.endswith(("!", "?"))
    # Ages over 89 cannot be told from other numbers without a name: two columns of these tables are such.
    assert found >= direct - 2
    assert right >= 0.9 * kinds
    assert false == 0


def test_every_rule_says_why() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.reason.endswith(".") for rule in RULES)


ROWS = 60
SHUFFLED = [(n * 37) % 61 for n in range(60)]

KEYS: dict[str, list[str]] = {
    "never_comes_back": [str(1000 + (n // 2 * 37) % 400) for n in range(200)],
    "counts_blocks": [str(1 + n // 3) for n in range(90)],
    "blocks_of_one_length": [str(20_000 + (n // 2 * 7919) % 60_000) for n in range(80)],
    "spread_evenly": [str(10_007 + (n * 7919) % 80_000) for n in [*SHUFFLED, *SHUFFLED[::3]]],
    "sparse_runs": [str(100_003 + (n // 6 % 40 * 79_193) % 800_000) for n in range(480)],
    "many_large": [str(11 + (n * 104_729) % 3_000_017) for n in [*range(1500), *range(0, 1500, 4)]],
    "opaque": [f"{(n + 3) * 2654435761 % 36**8:x}".zfill(9)[-9:] for n in range(60)],
    "one_form": [f"AB{1000 + n * 37}" for n in range(60)],
}


@pytest.mark.parametrize("predicate", KEYS)
def test_a_record_key_is_told_by_the_predicate_that_is_named(predicate: str) -> None:
    texts = KEYS[predicate]
    column = gather(read_header("v1"), read_values(pa.array(texts)))
    fired = [holds.__name__ for holds in (*NUMBER_KEYS, *LABEL_KEYS) if holds(column)]
    assert predicate in fired
    shown = record_key(column)
    assert shown is not None
    assert shown.reason == (getattr(record_keys, fired[0]).__doc__ or "").partition("\n")[0]


MEASURES: dict[str, list[str]] = {
    "rounded doses": [str(50_000 + 500 * (n % 40)) for n in range(120)],
    "a skewed measurement": [str(round(1_000 * 1.08**n)) for n in range(58)],
    "whole numbers that come back": [str(90 + (n * 37) % 61) for n in range(240)],
    "negative numbers": [str(-20_000 + n * 317) for n in range(60)],
    "words": ["mild pain", "no pain", "severe pain"] * 20,
}


@pytest.mark.parametrize("case", MEASURES)
def test_a_measurement_is_no_record_key(case: str) -> None:
    assert record_key(gather(read_header("v1"), read_values(pa.array(MEASURES[case])))) is None


CASES: dict[str, tuple[list[str], str]] = {
    "ssn": ([f"{100 + n}-{10 + n % 80}-{1000 + n}" for n in range(ROWS)], "ssn"),
    "one constant e-mail": (["someone@example.org"] * ROWS, "email"),
    "ip": ([f"10.0.{n}.{n * 3}" for n in range(ROWS)], "identifier"),
    "loinc": ((["2345-7", "718-7", "2951-2", "2823-3", "2160-0"] * ROWS)[:ROWS], "code"),
    "snomed": ((["444814009", "40055000", "195662009", "10509002", "271737000", "162864005"] * ROWS)[:ROWS], "code"),
    "atc": (
        (["A10BA02", "C07AB02", "N02BE01", "C10AA05", "B01AC06", "A02BC01", "C09AA02", "C03CA01"] * ROWS)[:ROWS],
        "code",
    ),
    "roman stage": ((["I", "II", "III", "IV"] * ROWS)[:ROWS], "ordinal"),
    "age bands": ((["18-39", "40-64", "65-79", "80+"] * ROWS)[:ROWS], "ordinal"),
    "censored laboratory value": (["<5", *[f"{n / 7:.2f}" for n in range(35, 34 + ROWS)]], "continuous"),
    "number, once unknown": ([f"{n * 1.37:.2f}" for n in range(ROWS - 1)] + ["unknown"], "continuous"),
    "level, once unknown": ((["mild", "severe", "unknown"] * ROWS)[:ROWS], "ordinal"),
    "clock time": ([f"{n % 24:02}:{n % 60:02}" for n in range(ROWS)], "datetime"),
    "hash": ([f"{(n + 3) * 2654435761 % 2**48:012x}" for n in range(ROWS)], "identifier"),
    "one row number": ([str(n) for n in range(1, ROWS + 1)], "identifier"),
}


@pytest.mark.parametrize("case", CASES)
def test_values_alone_tell_the_kind(case: str) -> None:
    values, kind = CASES[case]
    table = pa.table({"v1": values, "v2": [str(n % 3) for n in range(len(values))]})
    assert profile_table(table).columns[0].safe.kind == kind


def test_the_users_word_wins() -> None:
    table = pa.table({"zip": [str(10000 + n * 37) for n in range(ROWS)], "k": [str(n) for n in range(ROWS)]})
    found = profile_table(table, kinds={"zip": "quasi_identifier"}, patient_id="k")
    assert found.columns[0].safe.kind == "quasi_identifier"
    assert not found.columns[0].safe.direct_identifier
    assert found.patient_id == "k"
    assert found.columns[1].treatment.action == "pseudonymise"
