"""Tables that cannot be read: a clear error that quotes no cell."""

import gzip
import traceback
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clinical_model_selector.profiling import load_columns_file, profile_table
from clinical_model_selector.schemas.errors import TableError

CELL = "canary7731"
ROWS = "".join(f"{n},{CELL}{n}\n" for n in range(20))

FILES = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n\n  \n", "the file is empty"),
    "header_only": (b"a,b\n", "header but no rows"),
    "binary": (b"\x7fELF\x00\x01" + b"\x00" * 64 + CELL.encode(), "binary file"),
    "excel": (b"PK\x03\x04" + b"\x00" * 64, "Excel workbook"),
    "broken_gzip": (gzip.compress(("a,b\n" + ROWS * 50).encode())[:-40], "gzip archive is broken"),
    "gzip_garbage": (b"\x1f\x8bnot a gzip archive at all", "gzip archive is broken"),
    "ragged_long": (("a,b\n" + ROWS + f"1,2,{CELL}\n").encode(), "more or fewer fields"),
    "ragged_short": (("a,b,c\n" + "1,2,3\n" * 20 + f"{CELL}\n").encode(), "more or fewer fields"),
    "open_quote": (("a,b\n" + ROWS + f'1,"{CELL}\n' + ROWS).encode(), "quote is not closed"),
    "duplicate": (("a,b,a\n" + "1,2,3\n" * 20).encode(), "columns 1 and 3 have the same name"),
    "unnamed": (("a,,c\n" + "1,2,3\n" * 20).encode(), "1 of 3 columns have no name"),
    "all_missing": (("a,b\n" + "NA,?\n" * 20).encode(), "every cell of the table is missing"),
    "ten_rows": (("a,b\n" + "1,2\n" * 10).encode(), "10 rows; at least 11"),
    "broken_parquet": (b"PAR1" + b"\x00" * 200 + CELL.encode(), "Parquet file is broken"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    content, reason = FILES[case]
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=reason) as caught:
        profile_table(path)
    assert CELL not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        profile_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="this is a folder"):
        profile_table(tmp_path)


def test_frames_are_refused_like_files() -> None:
    with pytest.raises(TableError, match="same name"):
        profile_table(pd.DataFrame([[1, 2]] * 20, columns=["a", "a"]))
    with pytest.raises(TableError, match="at least 11"):
        profile_table(pa.table({"a": [1, 2, 3]}))
    with pytest.raises(TableError, match="no rows"):
        profile_table(duckdb.sql("SELECT 1 AS a WHERE false"))
    with pytest.raises(TableError, match="not list"):
        profile_table([[1, 2]])


def test_an_unknown_column_is_named_back_with_its_neighbours() -> None:
    table = pa.table({"outcome": [0, 1] * 20, "age": list(range(40))})
    with pytest.raises(TableError, match=r"no target column 'outcom' among the 2 columns; did you mean 'outcome'\?"):
        profile_table(table, target="outcom")
    with pytest.raises(TableError, match="no patient column 'mrn' among the 2 columns"):
        profile_table(table, patient_id="mrn")
    with pytest.raises(TableError, match="no column 'zip'"):
        profile_table(table, kinds={"zip": "code"})
    with pytest.raises(TableError, match="unknown kind for column 'age'; known kinds: identifier"):
        profile_table(table, kinds={"age": "number"})  # type: ignore[dict-item]


def test_too_many_columns_are_refused() -> None:
    table = pa.table({f"x{n}": [1] * 20 for n in range(10_001)})
    with pytest.raises(TableError, match="10001 columns; at most 10000"):
        profile_table(table)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "table.txt"
    lines = [delimiter.join(("Größe", "Diagnose"))] + [delimiter.join((str(n), "Müller")) for n in range(30)]
    path.write_bytes("\n".join(lines).encode(encoding))
    assert [column.name for column in profile_table(path).columns] == ["Größe", "Diagnose"]


def test_one_column_and_many_columns_are_profiled(tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("x\n" + "".join(f"{n % 7}\n" for n in range(40)))
    assert profile_table(one).rows == 40
    wide = tmp_path / "wide.parquet"
    pq.write_table(pa.table({f"x{n}": list(range(12)) for n in range(5000)}), wide)
    assert len(profile_table(wide).columns) == 5000


def test_columns_file_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text("zip: quasi_identifier\nstage: ordinal\ncrea: {kind: continuous, concept: creatinine}\n")
    told = load_columns_file(path)
    assert told.kinds == {"zip": "quasi_identifier", "stage": "ordinal", "crea": "continuous"}
    assert told.concepts == {"crea": "creatinine"}
    for content, reason in {
        "zip: number": "unknown kind",
        "- a\n- b": "column: kind",
        "a: [": "not valid YAML",
        "a: {concept: luck}": "unknown clinical concept",
        "a: {unit: mg}": "column: kind",
    }.items():
        path.write_text(content)
        with pytest.raises(TableError, match=reason):
            load_columns_file(path)
    with pytest.raises(TableError, match="cannot be read"):
        load_columns_file(tmp_path / "none.yaml")
    path.write_text("")
    assert load_columns_file(path).kinds == {}
