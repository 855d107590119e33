"""The text that leaves: small at any width, the same on every run, and counted on the safe side."""

import random

import pyarrow as pa
import pytest
from clinical_model_selector.profiling import describe_for_prompt, estimate_tokens, profile_table


def _wide(columns: int, rows: int = 120) -> pa.Table:
    rng = random.Random(columns)
    makers = (
        lambda: round(rng.gauss(100, 15), 1),
        lambda: rng.randint(0, 1),
        lambda: rng.choice(("mild", "moderate", "severe", None)),
        lambda: rng.randint(0, 4),
        lambda: rng.lognormvariate(2, 2),
        lambda: rng.choice((None, None, "yes", "no")),
        lambda: int(rng.expovariate(0.1)),
        lambda: f"2015-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        lambda: f"{rng.choice('ABCDEFG')}{rng.randint(10, 99)}.{rng.randint(0, 9)}",
        lambda: rng.choice(("<5", "6", "7", "8", "9", "12", "-999")),
    )
    return pa.table({f"x{n}": [makers[n % len(makers)]() for _ in range(rows)] for n in range(columns)})


@pytest.mark.parametrize(("columns", "most"), [(10, 400), (30, 1000), (60, 2000), (100, 2000), (2000, 3000)])
def test_the_text_stays_small_and_its_estimate_safe(columns: int, most: int) -> None:
    tokenizer = pytest.importorskip("rs_bpe.bpe").openai.cl100k_base()
    text = describe_for_prompt(profile_table(_wide(columns)).safe)
    tokens = len(tokenizer.encode(text))
    assert tokens < most
    assert tokens <= estimate_tokens(text) <= 2.5 * tokens


def test_the_text_is_the_same_on_every_run_and_in_any_order_of_columns() -> None:
    table = _wide(90)
    names = list(table.column_names)
    random.Random(2).shuffle(names)
    first = describe_for_prompt(profile_table(table, target="x1").safe)
    assert describe_for_prompt(profile_table(table, target="x1").safe) == first
    assert describe_for_prompt(profile_table(table.select(names), target="x1").safe) == first


def test_each_column_is_counted_once() -> None:
    text = describe_for_prompt(profile_table(_wide(200)).safe)
    lines = text.splitlines()
    single = sum(line.startswith("c") and line.split()[0][1:].isdigit() for line in lines)
    grouped = sum(int(line.split("x ", 1)[0]) for line in lines if line.split("x ", 1)[0].isdigit())
    assert single + grouped == 200
    assert "columns=200" in lines[0]


def test_the_target_stands_first() -> None:
    profile = profile_table(_wide(20), target="x3")
    assert profile.safe.columns[0].role == "target"
    assert profile.names["c1"] == "x3"
    assert describe_for_prompt(profile.safe).splitlines()[1].startswith("c1 ordinal role=target")
