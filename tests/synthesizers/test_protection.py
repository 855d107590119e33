"""No value of few stands in a protected table, and what many share stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.table.safe_levels import canonical_level
from clinical_model_selector.synthesizers.protection.code_parents import parent_rule
from clinical_model_selector.synthesizers.protection.protect_table import protect_table
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from tables import mixed_table

K = 5


def column(cells: list[Any], dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(cells, dtype=dtype)})


def protected(cells: list[Any], dtype: Any = None, **how: Any) -> list[Any]:
    return protect_table(column(cells, dtype), k=K, **how).table["x"].tolist()


COMMON = ["asthma"] * 20 + ["eczema"] * 12
LEVELS: dict[str, tuple[list[Any], dict[str, Any], set[Any]]] = {
    "pooled": ([*COMMON, *(f"rare{i}" for i in range(6))], {}, {"asthma", "eczema", "other"}),
    "a pool of few is drawn among common ones": ([*COMMON, "kuru"], {}, {"asthma", "eczema"}),
    "redrawn where asked": (
        [*COMMON, *(f"rare{i}" for i in range(6))],
        {"rare_levels": "redraw"},
        {"asthma", "eczema"},
    ),
    "words of the vocabulary stay": ([*COMMON, "dead"], {}, {"asthma", "eczema", "dead"}),
    "the column's own word for other": ([*COMMON, *["andere"] * 2, *"abc"], {}, {"asthma", "eczema", "andere"}),
    "flags stay": ([0] * 40 + [1], {}, {0, 1}),
    "true and false stay": ([False] * 40 + [True], {}, {False, True}),
    "one and two are no flags": ([1] * 40 + [2], {}, {1}),
    "public levels stay": (
        [*COMMON, "kuru"],
        {"public": {"x": ("asthma", "eczema", "kuru")}},
        {"asthma", "eczema", "kuru"},
    ),
    "grades go to their neighbours": ([1] * 20 + [2] * 20 + [3] * 20 + [9], {}, {1, 2, 3}),
    "codes go to their parent": (
        ["S72.0"] * 3 + ["S72.1"] * 2 + ["I10.0"] * 9 + ["C50.9"] * 2,
        {},
        {"S72", "I10.0"},
    ),
    "codes climb no further than needed": (
        ["250.83"] * 3 + ["250.82"] * 3 + ["250.1"] * 9 + ["401.9"] * 9,
        {},
        {"250.8", "250.1", "401.9"},
    ),
    "nothing is common": ([f"word{i}" for i in range(12)], {}, {"other"}),
}


@pytest.mark.parametrize("case", LEVELS)
def test_levels_of_few(case: str) -> None:
    cells, how, expected = LEVELS[case]
    assert set(protected(cells, **how)) == expected


def test_a_categorical_loses_the_names_of_rare_and_of_unheld_levels() -> None:
    cells = pd.Categorical(["low"] * 20 + ["odd one"], categories=["low", "odd one", "nobody's"])
    made = protect_table(pd.DataFrame({"x": cells}), k=K).table["x"]
    assert list(made.cat.categories) == ["low"]


@pytest.mark.parametrize(
    ("levels", "code", "parent"),
    [
        (["S72.0", "I10.1", "E11.9", "F32.1"], "S72.0", "S72"),
        (["S72.011A", "I10.1", "E11.9"], "S72.011A", "S72.011"),
        (["S7200", "I101", "E119"], "S7200", "S720"),
        (["250.83", "401.9", "V57.1"], "250.83", "250.8"),
        (["4019", "V4581", "E8490"], "E8490", "E849"),
        (["A10BA02", "C09AA05"], "A10BA02", "A10BA"),
        (["A10BA02", "C09AA05"], "A10", "A"),
    ],
)
def test_parents_of_codes(levels: list[str], code: str, parent: str) -> None:
    rule = parent_rule(levels)
    assert rule is not None
    assert rule(code) == parent


@pytest.mark.parametrize("levels", [["north", "south"], ["A", "B"], ["T1", "T2", "N0"], ["120/80", "130/90"]])
def test_other_texts_have_no_parents(levels: list[str]) -> None:
    assert parent_rule(levels) is None


def test_persons_count_and_not_rows() -> None:
    cells = ["common"] * 30 + ["mine"] * 10
    persons = pd.Series([*range(30), *[99] * 10])
    assert "mine" in protected(cells)
    assert "mine" not in protected(cells, persons=persons)
    report = protect_table(column(cells), k=K, persons=persons).report
    assert (report.unit, report.levels) == ("patient", 1)
    assert protect_table(column(cells), k=K).report.unit == "row"


def test_a_persons_equal_cells_stay_equal() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(60), 4)
    table = pd.DataFrame({"height": rng.normal(170, 9, 60).round(2)[persons], "town": [f"t{p}" for p in persons]})
    made = protect_table(table, k=K, persons=pd.Series(persons), rare_levels="redraw").table
    assert (made.groupby(persons).nunique() <= 1).all().all()


def test_the_target_must_keep_two_values() -> None:
    table = pd.DataFrame({"x": range(60), "outcome": ["well"] * 58 + ["kuru"] * 2})
    with pytest.raises(TableError, match="column 'outcome'") as caught:
        protect_table(table, k=K, target="outcome")
    assert "kuru" not in str(caught.value)
    protect_table(table, k=K, target="x")


def test_a_table_of_too_few_persons_is_refused() -> None:
    with pytest.raises(TableError, match="nothing would be left"):
        protect_table(pd.DataFrame({"x": np.linspace(0, 1, 8)}), k=K)


def test_extremes_are_drawn_inside_and_not_piled_up() -> None:
    rng = np.random.default_rng(1)
    cells = np.concatenate([rng.normal(100, 10, 500).round(3), [777.125, 888.25, -55.5]])
    made = np.array(protected(cells.tolist()))
    highest, lowest = np.sort(cells)[-K], np.sort(cells)[K - 1]
    assert made.max() <= highest
    assert made.min() >= lowest
    assert pd.Series(made).value_counts().max() <= 3
    assert ks_2samp(cells, made).statistic < 0.03


def test_exact_values_of_few_are_gone_and_shared_ones_stay() -> None:
    rng = np.random.default_rng(2)
    cells = np.concatenate([rng.normal(5, 1, 300).round(6), [0.05] * 60])
    made = np.array(protected(cells.tolist()))
    own = set(cells[:300])
    # By chance alone: a draw meets one of 300 values on a grid of millionths.
    assert len(own & set(made)) <= 2
    assert (made == 0.05).sum() == pytest.approx(60, abs=K)
    assert np.corrcoef(cells, made)[0, 1] > 0.98


@pytest.mark.parametrize("step", [1, 5, 10])
def test_steps_and_heaps_stay(step: int) -> None:
    rng = np.random.default_rng(3)
    cells = rng.normal(120, 25, 300).round().astype(int)
    heaped = rng.random(300) < 0.6
    cells[heaped] = np.rint(cells[heaped] / step).astype(int) * step
    made = pd.Series(protected(cells.tolist()))
    assert ((made % step == 0).mean()) == pytest.approx((cells % step == 0).mean(), abs=0.1)
    assert (made == made.round()).all()


def test_half_steps_stay_half_steps() -> None:
    rng = np.random.default_rng(4)
    made = pd.Series(protected((rng.integers(10, 300, 200) * 12.5).tolist()))
    assert (made % 12.5 == 0).all()


@pytest.mark.parametrize("case", ["few have a number", "codes for missing of few"])
def test_columns_with_few_numbers(case: str) -> None:
    if case == "few have a number":
        made = protect_table(column([1.5, 2.5, 3.25, 4.75] + [None] * 60, float).assign(y=1), k=K)
        assert made.table["x"].isna().all()
        assert made.report.columns[0].withheld
    else:
        cells = [float(i) / 8 for i in range(200)] + [-9.0] * 2
        made = protect_table(column(cells), k=K, missing_codes={"x": (-9.0,)})
        assert -9.0 not in set(made.table["x"])
        assert made.table["x"].isna().sum() == 2
        kept = protect_table(column([*cells, *[-9.0] * 9]), k=K, missing_codes={"x": (-9.0,)})
        assert (kept.table["x"] == -9.0).sum() == 11


def test_types_rows_and_order_stay() -> None:
    table = mixed_table(300).assign(
        seen=pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(300) % 97, "D"),
        born=[f"19{20 + i % 70:02d}-0{1 + i % 9}-11" for i in range(300)],
        stay=pd.to_timedelta(np.arange(300) % 40, "h"),
        dose=pd.array([i % 30 for i in range(300)], dtype="Int64"),
    )
    made = protect_table(table, k=K)
    assert made.table.drop(columns="stage").dtypes.equals(table.drop(columns="stage").dtypes)
    assert made.table.index.equals(table.index)
    assert list(made.table.columns) == list(table.columns)
    assert made.table["marker"].isna().equals(table["marker"].isna())
    pd.testing.assert_frame_equal(made.table, protect_table(table, k=K).table)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), k=st.integers(2, 11), pool=st.booleans())
def test_no_level_and_no_extreme_of_few_ever_stays(data: st.DataObject, k: int, pool: bool) -> None:
    rows = data.draw(st.integers(20, 80))
    persons = pd.Series(data.draw(st.lists(st.integers(0, 40), min_size=rows, max_size=rows)))
    words = st.sampled_from(["asthma", "eczema", "kuru", "S72.0", "S72.1", "dead", "0", None, "ж", ""])
    numbers = st.one_of(st.integers(-50, 50), st.sampled_from([0, 1, 999, 10**6]))
    table = pd.DataFrame(
        {
            "word": pd.Series(data.draw(st.lists(words, min_size=rows, max_size=rows)), dtype=object),
            "number": pd.Series(data.draw(st.lists(numbers, min_size=rows, max_size=rows))),
            "share": data.draw(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=rows, max_size=rows)),
        }
    )
    made = protect_table(table, k=k, persons=persons, rare_levels="pool" if pool else "redraw").table
    assert made.shape == table.shape
    holders = persons.groupby(table["word"]).nunique()
    for level in set(made["word"].dropna()):
        assert holders.get(level, k) >= k or canonical_level(level) is not None
    for name in ("number", "share"):
        by_person = table[name].groupby(persons)
        left = made[name].dropna()
        if table[name].nunique() > 2 and len(left):
            assert left.max() <= by_person.max().nlargest(k).iloc[-1] + 1e-9
            assert left.min() >= by_person.min().nsmallest(k).iloc[-1] - 1e-9
