"""Excel workbooks: read as delimited text is, or refused for what they are."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers.to_pandas import read_table
from clinical_model_selector.schemas.errors import MissingExtra, TableError

ROWS = 60
CELLS: list[list[Any]] = [
    ["age", "sex", "seen", "bmi", "smoker"],
    *[[20 + n, "MF"[n % 2], dt.date(2020, 1, 1) + dt.timedelta(n), 20 + n / 4, n % 3 == 0] for n in range(ROWS)],
]
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_workbook(path: Path, *sheets: list[list[Any]]) -> Path:
    """A workbook as spreadsheets write it, of these sheets."""
    names = [f"sheet{number}.xml" for number in range(1, len(sheets) + 1)]
    entries = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, len(sheets) + 1))
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/{name}"/>'
        for n, name in enumerate(names, 1)
    )
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/{name}" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for name in names
    )
    styles = f'<Relationship Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "[Content_Types].xml",
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'spreadsheetml.sheet.main+xml"/>{kinds}<Override PartName="/xl/styles.xml" ContentType="application/vnd.'
            'openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}{styles}</Relationships>',
        )
        book.writestr(
            "xl/styles.xml",
            f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2">'
            '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        )
        for name, rows in zip(names, sheets, strict=True):
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            book.writestr(
                f"xl/worksheets/{name}", f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
            )
    return path


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="1"><v>{(value - dt.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


def test_a_workbook_is_read_as_the_same_table(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    frame = pd.DataFrame(CELLS[1:], columns=CELLS[0])
    path = write_workbook(tmp_path / "t.xlsx", CELLS)
    assert profile_table(path).safe == profile_table(frame).safe
    pd.testing.assert_frame_equal(read_table(path).frame, read_table(frame).frame)


def test_titles_gaps_and_other_sheets_are_said(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    cells = [["Report of the cohort"], [], *CELLS]
    cells[5] = [None, *cells[5][1:]]
    profile = profile_table(write_workbook(tmp_path / "t.xlsx", [], cells, [["other"]]))
    assert [column.name for column in profile.columns] == CELLS[0]
    assert profile.rows == ROWS
    assert profile.columns[0].missing == 1
    told = {change.kind: (change.cells, change.detail) for change in profile.changes}
    assert told == {"sheet": (None, "2 of 3"), "lines_skipped": (2, "")}


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("t.csv", "a,b\n1,2\n")
    with pytest.raises(TableError, match="zip archive: unpack it"):
        open_table(tmp_path / "t.xlsx")
    (tmp_path / "u.xls").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    with pytest.raises(TableError, match="broken or protected"):
        open_table(tmp_path / "u.xls")
    with pytest.raises(TableError, match="has no cells"):
        open_table(write_workbook(tmp_path / "v.xlsx", []))
    with pytest.raises(TableError, match="more cells than the header"):
        open_table(write_workbook(tmp_path / "w.xlsx", [["a", "b"], *[[1, 2]] * 20, [1, 2, 3]]))


def test_a_workbook_that_unpacks_to_far_more_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinical_model_selector.profiling.readers.excel._MOST_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (2 << 20))
    with pytest.raises(TableError, match="MB unpacked"):
        open_table(tmp_path / "bomb.xlsx")


def test_the_library_is_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *args: Any, **how: Any) -> Any:
        if name == "python_calamine":
            raise ModuleNotFoundError(name)
        return real(name, *args, **how)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"\[excel\]"):
        open_table(write_workbook(tmp_path / "t.xlsx", CELLS))
