"""Files as the field writes them: what each is read as, and what is said of it. Inputs are made up here."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers.to_pandas import read_table
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.profile import TableProfile

ROWS = 240
rng = random.Random(11)
SEX = [rng.choice("MF") for _ in range(ROWS)]


def _csv(
    path: Path, columns: dict[str, list[Any]], delimiter: str = ",", before: str = "", newline: str = "\n"
) -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [delimiter.join(columns), *(delimiter.join(map(str, row)) for row in rows)]
    path.write_bytes((before + "\n".join(lines) + "\n").encode())
    return path


def _column(path: Path, name: str, **how: Any) -> tuple[pd.Series, set[str]]:
    reading = read_table(open_table(path, **how))
    return reading.frame[name], {change.kind for change in reading.changes if change.column in (None, name)}


def _told(profile: TableProfile, column: str | None) -> dict[str, tuple[int | None, str]]:
    return {change.kind: (change.cells, change.detail) for change in profile.changes if change.column == column}


# --- what marks decimals ---------------------------------------------------------------------------------------------

THREE = [f"{1 + n % 9},{n * 7 % 1000:03d}" for n in range(1, ROWS + 1)]
POINT_THREE = [text.replace(",", ".") for text in THREE]


def _as_decimals(texts: list[str]) -> list[float]:
    return sorted(float(text.replace(",", ".")) for text in texts)


def _as_thousands(texts: list[str]) -> list[float]:
    return sorted(float(text.replace(",", "").replace(".", "")) for text in texts)


MARKS: dict[str, tuple[str, dict[str, list[Any]], Callable[[list[str]], list[float]]]] = {
    "semicolons go with decimal commas": (";", {"x": THREE, "sex": SEX}, _as_decimals),
    "another column has decimal commas": ("\t", {"x": THREE, "bmi": ["24,5"] * ROWS}, _as_decimals),
    "another cell has a decimal comma": ("\t", {"x": [*THREE[:-1], "1,25"], "sex": SEX}, _as_decimals),
    "another column has decimal points": ("\t", {"x": THREE, "bmi": ["24.5"] * ROWS}, _as_thousands),
    "a comma within commas groups": (",", {"x": [f'"{text}"' for text in THREE], "sex": SEX}, _as_thousands),
    "points group in a German file": (";", {"x": POINT_THREE, "bmi": ["24,5"] * ROWS}, _as_thousands),
    "points mark decimals elsewhere": (";", {"x": POINT_THREE, "bmi": ["24.5"] * ROWS}, _as_decimals),
    "a number below one": (";", {"x": [*POINT_THREE[:-1], "0.125"], "sex": SEX}, _as_decimals),
}


@pytest.mark.parametrize("case", MARKS)
def test_the_decimal_mark_is_one_question_of_the_file(case: str, tmp_path: Path) -> None:
    delimiter, columns, meaning = MARKS[case]
    cells, _ = _column(_csv(tmp_path / "t.csv", columns, delimiter), "x")
    expected = meaning([str(text).strip('"') for text in columns["x"]])
    assert sorted(cells) == pytest.approx(expected)


def test_points_and_commas_together_are_read(tmp_path: Path) -> None:
    german = ["1.234,56", "250.000", "12,5", "3"] * 60
    cells, _ = _column(_csv(tmp_path / "t.csv", {"x": german, "n": list(range(ROWS))}, ";"), "x")
    assert set(cells) == {1234.56, 250000.0, 12.5, 3.0}
    english = ['"1,234.56"', '"250,000"', "12.5", "3"] * 60
    cells, _ = _column(_csv(tmp_path / "u.csv", {"x": english, "n": list(range(ROWS))}), "x")
    assert set(cells) == {1234.56, 250000.0, 12.5, 3.0}
    swiss = ["1'234.5", "250'000", "12.5", "3"] * 60
    cells, _ = _column(_csv(tmp_path / "v.csv", {"x": swiss, "n": list(range(ROWS))}, ";"), "x")
    assert set(cells) == {1234.5, 250000.0, 12.5, 3.0}


@pytest.mark.parametrize(("texts", "delimiter"), [(THREE, "\t"), (POINT_THREE, ";")])
def test_where_nothing_tells_the_user_is_asked(texts: list[str], delimiter: str, tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", {"sex": SEX, "x": texts}, delimiter)
    with pytest.raises(TableError, match=r"column 'x'.*decimal=") as caught:
        profile_table(path)
    assert texts[0] not in str(caught.value)
    mark = "," if texts is THREE else "."
    assert sorted(_column(path, "x", decimal=mark)[0]) == pytest.approx(_as_decimals(texts))
    other = "." if mark == "," else ","
    assert sorted(_column(path, "x", decimal=other)[0]) == pytest.approx(_as_thousands(texts))
    frame = pd.read_csv(path, sep=delimiter, dtype=str)
    if mark == ",":
        with pytest.raises(TableError, match="column 'x'"):
            profile_table(frame)
    assert sorted(read_table(open_table(frame, decimal=mark)).frame["x"]) == pytest.approx(_as_decimals(texts))


# --- what stands for a missing cell ----------------------------------------------------------------------------------

TOKENS: dict[str, tuple[list[str], set[str]]] = {
    "results of a culture": (["+", "-", "-"], set()),
    "dipstick": (["-", "1+", "2+", "3+"], set()),
    "hyphen among numbers": (["-", "4.5", "5.5"], {"-"}),
    "hyphen among words": (["-", "mild", "severe"], {"-"}),
    "stars of significance": (["*", "**", "***"], set()),
    "star among numbers": (["*", "1.5", "2.5"], {"*"}),
    "sodium": (["NA", "K", "CL", "CA"], set()),
    "Namibia": (["NA", "DE", "FR", "ES", "IT"], set()),
    "NA among words": (["NA", "yes", "no"], {"NA"}),
    "NA among blood groups": (["NA", "A", "B", "AB", "O"], {"NA"}),
    "nil in a urine sediment": (["nil", "trace", "1+"], set()),
    "nil among numbers": (["nil", "3", "4"], {"nil"}),
    "none among words": (["none", "mild", "severe"], set()),
    "unknown among numbers": (["unknown", "3.5", "4.5"], {"unknown"}),
    "an error of the spreadsheet": (["#REF!", "3.5", "4.5"], {"#REF!"}),
}


@pytest.mark.parametrize("case", TOKENS)
def test_a_token_is_missing_where_the_other_values_make_it_so(case: str, tmp_path: Path) -> None:
    texts, missing = TOKENS[case]
    column = (texts * ROWS)[:ROWS]
    path = _csv(tmp_path / "t.csv", {"n": list(range(ROWS)), "x": column})
    profile = profile_table(path)
    told = {change.detail: change.cells for change in profile.changes if change.kind == "missing_token"}
    assert told == {token: column.count(token) for token in missing}
    assert read_table(path).frame["x"].isna().sum() == sum(map(column.count, missing))


# --- notes, units, composites, durations, dates ----------------------------------------------------------------------


def test_notes_among_measurements_are_missing_and_said(tmp_path: Path) -> None:
    potassium = [f"{3 + n % 30 / 10:.1f}" for n in range(ROWS)]
    for row, note in ((3, "hemolyzed"), (40, "QNS"), (90, "see note"), (91, "hemolyzed")):
        potassium[row] = note
    ages: list[Any] = [20 + n % 60 for n in range(ROWS)]
    ages[5] = "refused"
    path = _csv(tmp_path / "t.csv", {"age": ages, "potassium": potassium, "sex": SEX})
    profile = profile_table(path)
    assert _told(profile, "potassium") == {"note_as_missing": (4, "")}
    assert _told(profile, "age") == {"note_as_missing": (1, "")}
    kinds = {column.name: (column.safe.kind, column.missing) for column in profile.columns}
    assert kinds == {"age": ("quasi_identifier", 1), "potassium": ("continuous", 4), "sex": ("quasi_identifier", 0)}


def test_codes_with_digits_are_no_notes(tmp_path: Path) -> None:
    codes = [f"{250 + n % 60}.{n % 10}" for n in range(ROWS)]
    codes[7] = codes[77] = "V58.1"
    path = _csv(tmp_path / "t.csv", {"n": list(range(ROWS)), "dx": codes})
    assert read_table(path).frame["dx"].tolist()[7] == "V58.1"


UNITS = {
    "weight": ([f"{60 + n % 40}.{n % 10}kg" for n in range(ROWS)], "kg"),
    "pressure": ([f"{100 + n % 60} mmHg" for n in range(ROWS)], "mmHg"),
    "DICOM age": ([f"{20 + n % 60:03d}Y" for n in range(ROWS)], "Y"),
    "age in words": ([f"{20 + n % 60} years" for n in range(ROWS)], "years"),
    "euros": ([f"€{20 + n}" for n in range(ROWS)], "€"),
}


@pytest.mark.parametrize("case", UNITS)
def test_a_unit_in_the_cell_is_taken_off_and_written_back(case: str, tmp_path: Path) -> None:
    texts, unit = UNITS[case]
    path = _csv(tmp_path / "t.csv", {"x": texts, "sex": SEX})
    profile = profile_table(path)
    assert _told(profile, "x") == {"unit": (None, unit)}
    reading = read_table(path)
    assert pd.api.types.is_numeric_dtype(reading.frame["x"].dtype)
    assert sorted(reading.write_back(reading.frame)["x"]) == sorted(text.replace(".0kg", "kg") for text in texts)


def test_batch_letters_are_no_unit(tmp_path: Path) -> None:
    path = _csv(tmp_path / "t.csv", {"x": [f"{100 + n}A" for n in range(ROWS)], "sex": SEX})
    assert read_table(path).frame["x"].tolist()[0] == "100A"


COMPOSITES = {
    "blood pressure": [f"{100 + n * 7 % 60}/{60 + n * 3 % 30}" for n in range(ROWS)],
    "gestation": [f"{24 + n % 17}+{n % 7}" for n in range(ROWS)],
    "height": [f"{4 + n % 3}'{n * 5 % 12}\"" for n in range(ROWS)],
    "inspiration": [f"1:{n % 40 / 10 + 1:.1f}" for n in range(ROWS)],
}


@pytest.mark.parametrize("case", COMPOSITES)
def test_several_numbers_in_a_cell_are_parts_and_come_back(case: str) -> None:
    texts: list[str | None] = list(COMPOSITES[case])
    texts[4] = None
    frame = pd.DataFrame({"sex": SEX, "x": texts, "died": [n % 2 for n in range(ROWS)]})
    profile = profile_table(frame)
    assert _told(profile, "x") == {"composite": (None, "")}
    column = profile.column("x")
    assert column is not None
    assert column.safe.quantiles is not None
    reading = read_table(frame)
    assert list(reading.frame.columns) == ["sex", "x (1)", "x (2)", "died"]
    back = reading.write_back(reading.frame)
    assert list(back.columns) == list(frame.columns)
    assert sorted(back["x"].dropna()) == sorted(text for text in texts if text is not None)
    assert back["x"].isna().sum() == 1
    treatments = reading.treatments_of_parts([column.treatment for column in profile.columns])
    assert [item.column for item in treatments] == list(reading.frame.columns)


def test_a_synthetic_table_is_taken_apart_as_the_real_one_was() -> None:
    real = read_table(pd.DataFrame({"x": COMPOSITES["blood pressure"], "sex": SEX}))
    few = pd.DataFrame({"x": ["120/80", "130/85", None], "sex": ["F", "M", "F"]})
    assert read_table(few).parts == {}
    assert list(read_table(few, like=real).frame.columns) == list(real.frame.columns)
    plain = read_table(pd.DataFrame({"x": ["a", "b", "c"] * 80, "sex": SEX}))
    assert list(read_table(real.write_back(real.frame), like=plain).frame.columns) == ["x", "sex"]


NO_COMPOSITES = {
    "dates": [f"{1 + n % 28:02d}/{1 + n % 12:02d}/2021" for n in range(ROWS)],
    "social security": [f"{100 + n:03d}-{10 + n % 80}-{1000 + n}" for n in range(ROWS)],
    "clock": [f"{n % 24:02d}:{n % 60:02d}" for n in range(ROWS)],
    "morphology": [f"{8000 + n}/{n % 4}" for n in range(ROWS)],
    "few levels": ["1:20", "1:40", "1:80"] * (ROWS // 3),
}


@pytest.mark.parametrize("case", NO_COMPOSITES)
def test_dates_keys_codes_and_levels_are_no_composites(case: str) -> None:
    assert read_table(pd.DataFrame({"x": NO_COMPOSITES[case], "sex": SEX})).parts == {}


def test_durations_are_one_thing_from_every_source(tmp_path: Path) -> None:
    spans = [dt.timedelta(days=n % 40, seconds=n * 977 % 86_400) for n in range(ROWS)]
    frame = pd.DataFrame({"los": spans, "sex": SEX})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    first = profile_table(frame)
    assert _told(first, "los") == {"duration": (None, "days")}
    for other in (tmp_path / "t.csv", tmp_path / "t.parquet", pa.Table.from_pandas(frame)):
        assert profile_table(other).safe == first.safe
        pd.testing.assert_frame_equal(read_table(other).frame, read_table(frame).frame)
    assert sorted(read_table(frame).frame["los"].dt.total_seconds()) == sorted(s.total_seconds() for s in spans)


def test_dates_that_stand_for_none_are_missing_and_said(tmp_path: Path) -> None:
    starts = [dt.date(2018, 1, 1) + dt.timedelta(days=n) for n in range(ROWS)]
    ends = [dt.date(9999, 12, 31) if n % 3 == 0 else dt.date(2020, 1, 1) + dt.timedelta(days=n) for n in range(ROWS)]
    old = [dt.date(1900, 1, 1) if n % 9 == 0 else dt.date(2020, 1, 1) + dt.timedelta(days=n) for n in range(ROWS)]
    births = [dt.date(1900 + n % 90, 1, 1) for n in range(ROWS)]
    path = _csv(tmp_path / "t.csv", {"start": starts, "end": ends, "old": old, "birth": births})
    for table in (path, pd.read_csv(path), pa.table({"start": starts, "end": ends, "old": old, "birth": births})):
        profile = profile_table(table)
        assert _told(profile, "end") == {"date_code_as_missing": (80, "")}
        assert _told(profile, "old") == {"date_code_as_missing": (27, "")}
        assert _told(profile, "birth") == {}
        assert profile.columns[1].missing == 80


def test_dates_moved_into_another_century_are_dates() -> None:
    moved = [dt.date(2100, 3, 1) + dt.timedelta(days=160 * n) for n in range(ROWS)]
    assert moved[-1].year > 2200
    frame = pd.DataFrame({"admitted": [str(day) for day in moved], "sex": SEX})
    assert _told(profile_table(frame), "admitted") == {}
    assert sorted(read_table(frame).frame["admitted"].dt.date) == moved


DATES: dict[str, tuple[str, Callable[[dt.date], str]]] = {
    "dotted": ("%d.%m.%Y", lambda day: day.strftime("%d.%m.%Y")),
    "two digits": ("%d.%m.%y", lambda day: day.strftime("%d.%m.%y")),
    "American": ("%m/%d/%Y", lambda day: day.strftime("%m/%d/%Y")),
    "unpadded": ("%m/%d/%Y", lambda day: f"{day.month}/{day.day}/{day.year}"),
    "month by name": ("%d-%b-%Y", lambda day: day.strftime("%d-%b-%Y")),
    "year first": ("%Y/%m/%d", lambda day: day.strftime("%Y/%m/%d")),
}


@pytest.mark.parametrize("case", DATES)
def test_dates_are_read_and_written_back_in_their_form(case: str, tmp_path: Path) -> None:
    _, write = DATES[case]
    days = [dt.date(1936, 3, 1) + dt.timedelta(days=97 * n) for n in range(ROWS)]
    path = _csv(tmp_path / "t.csv", {"seen": [write(day) for day in days], "sex": SEX}, ";")
    reading = read_table(path)
    assert sorted(reading.frame["seen"].dt.date) == days
    assert sorted(reading.write_back(reading.frame)["seen"]) == sorted(write(day) for day in days)


def test_two_digit_years_give_no_future_birth(tmp_path: Path) -> None:
    births = [f"{1 + n % 28:02d}.{1 + n % 12:02d}.{(30 + n % 70) % 100:02d}" for n in range(ROWS)]
    seen = [f"{1 + n % 28:02d}.03.21" for n in range(ROWS)]
    reading = read_table(_csv(tmp_path / "t.csv", {"geb": births, "seen": seen}, ";"))
    ages = (reading.frame["seen"] - reading.frame["geb"]).dt.days / 365.25
    assert ages.between(0, 110).all()


def test_the_order_of_day_and_month_comes_from_other_columns(tmp_path: Path) -> None:
    clear = [f"{13 + n % 15}/{1 + n % 12:02d}/2020" for n in range(ROWS)]
    open_ = [f"{1 + n % 12:02d}/{1 + n % 3:02d}/2021" for n in range(ROWS)]
    reading = read_table(_csv(tmp_path / "t.csv", {"clear": clear, "open": open_}))
    assert set(reading.frame["open"].dt.month) == {1, 2, 3}
    assert reading.changes == ()
    alone = profile_table(_csv(tmp_path / "u.csv", {"open": open_, "sex": SEX}))
    assert _told(alone, "open") == {"date_order_assumed": (None, "month")}


def test_infinite_numbers_are_missing_and_said() -> None:
    frame = pd.DataFrame({"x": [float("inf"), float("-inf"), *[n / 7 for n in range(ROWS - 2)]], "sex": SEX})
    assert _told(profile_table(frame), "x") == {"infinity_as_missing": (2, "")}
    assert read_table(frame).frame["x"].isna().sum() == 2


# --- encodings, lines and headers ------------------------------------------------------------------------------------

ENCODINGS = {
    "cp1252": ["Patient\u2019s choice", "ACE", "ARB"],
    "latin-1": ["Größe", "café", "ok"],
    "cp1250": ["Kovács Ákos", "ból głowy", "žena"],
    "mac_roman": ["Größe", "élève à l\u2019hôpital", "naïve"],
    "cp1254": ["Ayşe", "göğüs", "çağ"],
    "cp1251": ["Иванов", "боль", "да"],
    "shift_jis": ["患者の選択", "はい", "いいえ"],
    "utf-16": ["Größe", "ok", "café"],
    "utf-8-sig": ["Größe", "ok", "café"],
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("packed", [False, True])
def test_the_encoding_is_recognised_and_said(encoding: str, packed: bool, tmp_path: Path) -> None:
    words = ENCODINGS[encoding]
    text = "n,x\n" + "".join(f"{n},{words[n % 3]}\n" for n in range(ROWS))
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text.encode(encoding)) if packed else text.encode(encoding))
    cells, told = _column(path, "x")
    assert set(cells) == set(words)
    assert ("encoding" in told) == (encoding != "utf-8-sig")


def test_the_user_names_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"n,x\n" + b"".join(f"{n},\xd5x\n".encode("latin-1") for n in range(ROWS)))
    assert set(_column(path, "x", encoding="mac_roman")[0]) == {"\u2019x"}
    assert set(_column(path, "x", encoding="cp1252")[0]) == {"Õx"}
    with pytest.raises(TableError, match="not written in utf-8"):
        open_table(path, encoding="utf-8")
    with pytest.raises(TableError, match="no text encoding 'klingon'"):
        open_table(path, encoding="klingon")


def test_newlines_of_several_kinds_are_read(tmp_path: Path) -> None:
    lines = [f"{n},{SEX[n]}" + ("\r\n" if n % 3 else "\n") for n in range(ROWS)]
    path = tmp_path / "t.csv"
    path.write_bytes(("n,sex\r\n" + "".join(lines)).encode())
    assert len(read_table(path).frame) == ROWS
    path.write_bytes(("n,sex\r" + "".join(line.rstrip() + "\r" for line in lines)).encode())
    assert len(read_table(path).frame) == ROWS


HEADERS = {
    "sep line": ("sep=;\n", ";", 1),
    "titles": ("Report of the cohort\nExported 2024-02-01\n\n", ",", 3),
    "titles with a comma": ("Report, of the cohort\nward A\n", ",", 2),
    "comments": ("# made by a tool\n# version 2\n", ",", 2),
}


@pytest.mark.parametrize("case", HEADERS)
def test_lines_above_the_header_are_skipped_and_said(case: str, tmp_path: Path) -> None:
    before, delimiter, lines = HEADERS[case]
    columns: dict[str, list[Any]] = {
        "age": [20 + n % 60 for n in range(ROWS)],
        "sex": SEX,
        "bmi": ["24"] * ROWS,
        "z": SEX,
    }
    profile = profile_table(_csv(tmp_path / "t.csv", columns, delimiter, before))
    assert [column.name for column in profile.columns] == list(columns)
    assert profile.rows == ROWS
    assert _told(profile, None) == {"lines_skipped": (lines, "")}
    assert "Report" not in json.dumps([change.sentence for change in profile.changes])


EXTRA_HEADERS = {
    "survey": (2, [["How old are you?", "Sex", "Pain"], ['"{""ImportId"":""Q1""}"'] * 3]),
    "labels": (1, [["Age in years", "Sex at birth", "Pain today"]]),
    "units": (1, [["years", "m/f", "VAS"]]),
}


@pytest.mark.parametrize("case", EXTRA_HEADERS)
def test_further_rows_of_the_header_are_no_patients(case: str, tmp_path: Path) -> None:
    count, rows = EXTRA_HEADERS[case]
    lines = ["Q1,Q2,Q3", *(",".join(row) for row in rows), *(f"{20 + n % 60},{SEX[n]},{n % 11}" for n in range(ROWS))]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    profile = profile_table(path)
    assert (profile.rows, _told(profile, None)) == (ROWS, {"header_rows_skipped": (count, "")})
    assert [column.safe.kind for column in profile.columns][2] in ("ordinal", "count")


def test_a_first_patient_with_a_note_is_no_header(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "age": ["refused", *[20 + n % 60 for n in range(ROWS - 1)]],
        "bmi": [24 + n % 9 for n in range(ROWS)],
        "sex": SEX,
    }
    profile = profile_table(_csv(tmp_path / "t.csv", columns))
    assert (profile.rows, _told(profile, None)) == (ROWS, {})


REFUSED = {
    "HTML called .xls": ("t.xls", "<html><body><table><tr><td>id</td></tr></table></body></html>", "HTML page"),
    "a bare table": ("t.xls", "<table><tr><td>1</td></tr></table>", "HTML page"),
    "XML": ("t.csv", '<?xml version="1.0"?><Workbook></Workbook>', "XML document"),
    "NDJSON": ("t.csv", '{"id": 1, "age": 4}\n{"id": 2, "age": 5}\n', "NDJSON"),
    "JSON": ("t.csv", '[{"id": 1,\n "age": 4}]\n', "JSON document"),
    "HL7": ("t.csv", "MSH|^~\\&|LAB|A|B|C|2020||ORU^R01|1|P|2.3\rPID|1||77\r", "HL7 message"),
    "carets": ("t.txt", "id^sex^age\n" + "".join(f"{n}^M^{n}\n" for n in range(30)), r"separated by \^"),
    "fixed width": (
        "t.txt", "id      sex     age\n" + "".join(f"{n:<8}M       {20 + n}\n" for n in range(30)), "fixed width",
    ),
    "PDF": ("t.csv", "%PDF-1.7 and more", "PDF document"),
    "RTF": ("t.csv", "{\\rtf1 text}", "RTF"),
    "SPSS": ("t.sav", "$FL2@(#) SPSS DATA FILE", "SPSS file"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_another_kind_of_file_is_named_as_what_it_is(case: str, tmp_path: Path) -> None:
    name, text, reason = REFUSED[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(TableError, match=reason):
        open_table(tmp_path / name)


@pytest.mark.parametrize(
    "address", ["https://example.org/t.csv", "s3://bucket/t.parquet", "gs://b/t.csv", "file:///t.csv"]
)
def test_addresses_are_refused_as_what_they_are(address: str) -> None:
    with pytest.raises(TableError, match="nothing is fetched"):
        open_table(address)


def test_a_very_long_cell_is_read(tmp_path: Path) -> None:
    long = "word " * 60_000
    path = tmp_path / "t.csv"
    path.write_text("note,n\n" + "".join(f'"{long if n == 3 else "short " * 5}",{n}\n' for n in range(60)))
    assert profile_table(path).rows == 60
