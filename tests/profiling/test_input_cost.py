"""No cell costs more than its size: texts are cut before any rule, and no expression can backtrack without end."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from clinical_model_selector import profiling, schemas
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.profiling.kinds.column_facts import gather
from clinical_model_selector.profiling.kinds.column_names import read_header
from clinical_model_selector.profiling.kinds.identifiers.addresses import POSTCODES
from clinical_model_selector.profiling.kinds.value_patterns import EXPRESSIONS, LONGEST, TESTS
from clinical_model_selector.profiling.values.read_column import read_values

HOSTILE = {
    "url": "www." + "a." * 10_000,
    "street": "1 " + "A " * 10_000,
    "numbered list": "1. " + "- " * 10_000,
    "e-mail": "a@" + "a." * 10_000,
    "digits": "1" * 20_000,
    "brackets": "(" * 20_000,
    "interval": "1" + " " * 20_000 + "x",
    "new lines": "1)\n" * 7_000,
    "accents": "\u0301" * 20_000,
    "dates": "2020-01-01 " * 2_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_the_rules_see_no_more_of_a_long_cell(case: str) -> None:
    for factor in (1, 2, 4):
        cells = [HOSTILE[case] * factor + str(n) for n in range(30)]
        facts = gather(read_header("V1"), read_values(pa.array(cells)))
        assert max(map(len, facts.texts)) <= LONGEST
        assert facts.word is None or facts.word.median_length <= LONGEST


@pytest.mark.parametrize("case", HOSTILE)
def test_a_table_of_hostile_cells_is_profiled(case: str) -> None:
    table = pa.table({"note": [HOSTILE[case] + str(n) for n in range(40)], "arm": ["a", "b"] * 20})
    assert profile_table(table).columns[0].safe.role in ("withheld", "feature", "patient_id")


@pytest.mark.parametrize("expression", [*EXPRESSIONS.values(), *POSTCODES])
def test_shapes_are_for_an_engine_that_cannot_backtrack(expression: str) -> None:
    # Arrow's engine is RE2, whose time is linear in the text; it refuses what it cannot do so.
    pc.match_substring_regex(pa.array(["x"]), rf"\A(?:{expression})\z")


class Counted(str):
    """A text that counts how often a test looks at a part of it."""

    looks = 0

    def __getitem__(self, part: Any) -> str:
        Counted.looks += 1
        return super().__getitem__(part)

    def __iter__(self) -> Any:
        Counted.looks += len(self)
        return super().__iter__()


@pytest.mark.parametrize("shape", TESTS)
@pytest.mark.parametrize("letter", ["1", "a", "1 ", "(", "-", "A1 "])
def test_the_other_shapes_read_a_value_once(shape: Any, letter: str) -> None:
    looks = []
    for size in (40, 80, 160):
        Counted.looks = 0
        TESTS[shape](Counted((letter * size)[:size]))
        looks.append(Counted.looks)
    assert looks[2] <= 4 * max(looks[0], 8)


def _sources() -> list[Path]:
    roots = [Path(module.__file__ or "").parent for module in (profiling, schemas)]
    return [path for root in roots for path in sorted(root.rglob("*.py"))]


def _expressions() -> dict[str, str]:
    """Every literal expression that code of the two rooms compiles for Python's own engine."""
    texts: dict[str, str] = {}
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr
            if called in ("compile", "fullmatch", "match", "search", "sub", "findall") and node.args:  # type: ignore[union-attr,attr-defined]
                first = node.args[0]  # type: ignore[attr-defined]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    texts[f"{path.name}:{node.lineno}"] = first.value  # type: ignore[attr-defined]
    return texts


def _endless(parsed: Any) -> list[Any]:
    """Repeats without an upper end, at any depth."""
    repeats = []
    for operator, argument in parsed:
        if operator in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            if argument[1] is constants.MAXREPEAT:
                repeats.append(argument[2])
            repeats += _endless(argument[2])
        elif operator is constants.SUBPATTERN:
            repeats += _endless(argument[3])
        elif operator is constants.BRANCH:
            repeats += [repeat for branch in argument[1] for repeat in _endless(branch)]
    return repeats


def test_no_expression_repeats_a_repeat_without_end() -> None:
    """``(a+)+`` takes exponential time; of a cell of 200 characters anything less is little."""
    nested = {
        where: text
        for where, text in _expressions().items()
        if any(_endless(repeat) for repeat in _endless(parser.parse(text)))
    }
    assert _expressions()
    assert nested == {}


def test_the_check_itself_sees_nested_repeats() -> None:
    assert any(_endless(repeat) for repeat in _endless(parser.parse(r"(?:a+)+")))
    assert not any(_endless(repeat) for repeat in _endless(parser.parse(r"a+b+")))
    assert re.compile(r"a+b+")
