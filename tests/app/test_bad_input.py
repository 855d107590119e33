"""Bad input: a clear line on stderr, the right exit code, nothing on stdout, no cell in any message."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Run

CANARY = "Zyx4711"
"""Part of every cell that a bad table holds."""


def _rows(count: int, columns: int = 3) -> str:
    cells = (",".join(f"{CANARY}r{row}c{column}" for column in range(columns)) for row in range(count))
    return "".join(f"{line}\n" for line in cells)


def _csv(header: str, body: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(f"{header}\n{body}", encoding="utf-8")


def _gzip_cut_short(path: Path) -> None:
    whole = gzip.compress(f"a,b,c\n{os.urandom(4000).hex()}{_rows(400)}".encode())
    path.write_bytes(whole[: len(whole) // 2])


BAD_TABLES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing file": ("gone.csv", lambda path: None, "gone.csv"),
    "folder": ("folder.csv", Path.mkdir, "folder.csv"),
    "empty file": ("empty.csv", lambda path: path.touch(), "empty"),
    "header only": ("header.csv", _csv("a,b,c", ""), "row"),
    "binary file": ("binary.csv", lambda path: path.write_bytes(os.urandom(5000) + CANARY.encode()), "binary"),
    "broken gzip": ("broken.csv.gz", lambda path: path.write_bytes(b"\x1f\x8b" + os.urandom(500)), "gz"),
    "gzip cut short": ("short.csv.gz", _gzip_cut_short, "gz"),
    "broken Parquet": ("fake.parquet", lambda path: path.write_bytes(b"PAR1" + _rows(50).encode()), "arquet"),
    "all missing": ("missing.csv", _csv("a,b,c", ",,\n" * 50), "missing"),
    "ten rows": ("ten.csv", _csv("a,b,c", _rows(10)), "11"),
}


@pytest.mark.parametrize("command", ["profile", "select"])
@pytest.mark.parametrize("case", BAD_TABLES)
def test_unusable_table(case: str, command: str, run: Run, tmp_path: Path) -> None:
    name, write, words = BAD_TABLES[case]
    write(tmp_path / name)
    for options in ([], ["--json"]):
        ended = run(command, name, *options)
        _assert_one_clear_line(ended.out, ended.err, words)
        assert ended.code == 2


ODD_TABLES: dict[str, Callable[[Path], object]] = {
    "ragged rows": _csv("a,b,c", _rows(60) + f"{CANARY},{CANARY}\n{CANARY},{CANARY},{CANARY},{CANARY},{CANARY}\n"),
    "not UTF-8": lambda path: path.write_bytes("naïve,größe,c\n".encode("latin-1") + f"é{_rows(60)}".encode("latin-1")),
    "duplicate column names": _csv("a,a,a", _rows(60)),
    "empty column names": _csv("a,,", _rows(60)),
    "one column": _csv("a", _rows(60, columns=1)),
}


@pytest.mark.parametrize("command", ["profile", "select"])
@pytest.mark.parametrize("case", ODD_TABLES)
def test_odd_table_is_read_or_refused_without_a_word_of_its_cells(
    case: str, command: str, run: Run, tmp_path: Path
) -> None:
    ODD_TABLES[case](tmp_path / "odd.csv")
    ended = run(command, "odd.csv", "--json")
    assert CANARY.lower() not in (ended.out + ended.err).lower()
    if ended.code == 0:
        assert ended.err == ""
    else:
        # A table of nothing but one-off text may leave nothing to model.
        assert ended.code in (2, 4)
        _assert_one_clear_line(ended.out, ended.err, "")


def test_table_of_5000_columns_gets_a_plan_or_every_reason(run: Run, tmp_path: Path) -> None:
    header = ",".join(f"v{column}" for column in range(5000))
    body = "".join(",".join(str((row * column) % 97) for column in range(5000)) + "\n" for row in range(60))
    (tmp_path / "wide.csv").write_text(f"{header}\n{body}", encoding="utf-8")
    ended = run("select", "wide.csv", "--json")
    assert ended.code in (0, 4)
    if ended.code == 4:
        assert ended.out == ""
        assert "error: No synthesizer is feasible" in ended.err


WRONG_USE: dict[str, tuple[list[str], dict[str, str], int, str]] = {
    "no such target": (["--target", "nope"], {}, 2, "nope"),
    "no such patient column": (["--patient-id", "nope"], {}, 2, "nope"),
    "no such kind": (["--kind", "age=nope"], {}, 2, "known kinds: identifier"),
    "kind without a column": (["--kind", "continuous"], {}, 2, "COLUMN=KIND"),
    "kind of no such column": (["--kind", "nope=continuous"], {}, 2, "nope"),
    "no such columns file": (["--columns", "nope.yaml"], {}, 2, "nope.yaml"),
    "unknown compliance": (["--compliance", "nope"], {}, 2, "hipaa_like"),
    "unknown trade-off": (["--tradeoff", "nope"], {}, 2, "balanced"),
    "unknown deployment": (["--deployment", "nope"], {}, 2, "internal"),
    "unknown provider": (["--provider", "nope"], {}, 2, "embedded"),
    "unknown synthesizer": (["--allowed", "ctgan,nope"], {}, 2, "nope"),
    "allowed is empty": (["--allowed", ""], {}, 2, "allowed"),
    "allowed is blank": (["--allowed", " , "], {}, 2, "allowed"),
    "allowed is infeasible": (["--allowed", "ctgan,tvae", "--deployment", "saas"], {}, 4, "tvae: "),
    "allowed is not offered": (["--allowed", "pategan"], {}, 4, "pategan: "),
    "epsilon of zero": (["--epsilon-max", "0"], {}, 2, "--epsilon-max"),
    "epsilon is no number": (["--epsilon-max", "x"], {}, 2, "--epsilon-max"),
    "negative time": (["--max-fit-seconds", "-1"], {}, 2, "--max-fit-seconds"),
    "page cannot be written": (["--html", "no/such/folder/page.html"], {}, 2, "page.html"),
    "unknown option": (["--nope"], {}, 2, "--nope"),
    "setting is no number": ([], {"SELECTOR_DEADLINE_S": "soon"}, 2, "SELECTOR_DEADLINE_S"),
    "setting is no level": ([], {"COMPLIANCE_LEVEL": "nope"}, 2, "COMPLIANCE_LEVEL"),
    "setting is no address": ([], {"OPENROUTER_BASE": "nope"}, 2, "OPENROUTER_BASE"),
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use(case: str, run: Run, example: Path) -> None:
    options, environment, code, words = WRONG_USE[case]
    ended = run("select", example, "--json", *options, **environment)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_malformed_env_file_names_the_setting_and_not_its_value(run: Run, example: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SELECTOR_TIMEOUT_S={CANARY}\nOPENROUTER_API_KEY=sk-or-{CANARY}\n")
    ended = run("select", example)
    assert ended.code == 2
    _assert_one_clear_line(ended.out, ended.err, "SELECTOR_TIMEOUT_S")


def test_key_that_is_set_but_empty_is_no_key(run: Run, example: Path) -> None:
    ended = run("doctor", OPENROUTER_API_KEY="", OLLAMA_BASE="http://127.0.0.1:9", SELECTOR_EMBEDDED="auto")
    assert "OPENROUTER_API_KEY" in ended.out
    assert "Traceback" not in ended.err


def test_nobody_can_answer(run: Run, example: Path) -> None:
    settings = {"OLLAMA_BASE": "http://127.0.0.1:9", "SELECTOR_EMBEDDED": "never"}
    ended = run("select", example, "--target", "cens", "--json", **settings)
    assert ended.code == 3
    _assert_one_clear_line(ended.out, ended.err, "ollama")


def _assert_one_clear_line(out: str, err: str, words: str) -> None:
    """One line; where there are many reasons or attempts, each indented below it."""
    assert out == ""
    lines = err.removesuffix("\n").split("\n")
    assert lines[0].startswith("error: ")
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert words in err
    assert CANARY.lower() not in err.lower()
    assert "Traceback" not in err
