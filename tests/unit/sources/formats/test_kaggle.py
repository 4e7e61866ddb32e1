"""Kaggle's CSV files of drawings: every line is a drawing or a reject with its reason."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import kaggle, ndjson
from strokecast.sources.formats.records import Drawing, Reject

HEADER = "countrycode,drawing,key_id,recognized,timestamp,word"
ROW = 'NZ,"[[[0, 255], [0, 128]], [[51], [102]]]",5152802093400064,True,2017-03-08 21:12:07.26604,ice cream'


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.write_text(end.join(lines), encoding="utf-8", newline="")
    return path


def test_all_fields_of_a_drawing_in_any_order_of_columns(tmp_path: Path) -> None:
    reordered = '"ice cream",True,5152802093400064,"[[[0, 255], [0, 128]], [[51], [102]]]",x,NZ,2017-03-08 21:12:07.26604'
    for path in (
        write(tmp_path / "a.csv", HEADER, ROW),
        write(tmp_path / "b.csv", "\ufeff" + HEADER, ROW, end="\r\n"),
        write(tmp_path / "c.csv", "word,recognized,key_id,drawing,extra,countrycode,timestamp", reordered),
    ):
        [drawing] = kaggle.read(path)
        assert isinstance(drawing, Drawing)
        assert (drawing.number, drawing.key_id, drawing.word) == (2, 5152802093400064, "ice cream")
        assert (drawing.countrycode, drawing.timestamp) == ("NZ", "2017-03-08 21:12:07.26604")
        assert drawing.recognized is True
        assert [stroke.tolist() for stroke in drawing.strokes] == [[[0, 255], [0, 128]], [[51], [102]]]
        kaggle.check(path)
        assert kaggle.read_words(path) == ["ice cream"]


@pytest.mark.parametrize(
    ("row", "kind", "detail"),
    [
        ("", "not_json", "the line is blank"),
        ("NZ,[],1", "bad_shape", "3 cells, not the 6 of the header"),
        (ROW + ",x", "bad_shape", "7 cells, not the 6 of the header"),
        (ROW.replace('"', "", 1), "bad_shape", "cells, not the 6 of the header"),
        (ROW.replace(']]]"', "]]]"), "bad_shape", "invalid CSV: unexpected end of data"),
        (ROW.replace("True", "yes"), "bad_value", 'recognized is "yes", not True or False'),
        (ROW.replace("ice cream", ""), "bad_value", "word is empty"),
        (ROW.replace("5152802093400064", "5.15e15"), "bad_value", "key_id is"),
        (ROW.replace("5152802093400064", "18446744073709551616"), "bad_value", "key_id is"),
        (ROW.replace("[[[0,", "[[[0.5,"), "bad_value", "the coordinate 0.5"),
        (ROW.replace("[[[0,", "[[[1e300,"), "bad_value", "the coordinate 1e+300"),
        (ROW.replace("[[[0,", "[[[NaN,"), "not_finite", "contains NaN"),
        (ROW.replace("[[[0,", f"[[[{'9' * 5000},"), "bad_value", "too many digits"),
        (ROW.replace("[[[0,", "[[[0"), "not_json", "invalid JSON"),
        (ROW.replace("[102]", "[102], [9]"), "bad_shape", "stroke 2 has 3 axes, as in raw files"),
        (ROW.replace("ice cream", "x" * ndjson.MAX_LINE), "too_big", "longer than"),
    ],
)
def test_a_bad_line_is_a_reject_and_the_next_line_is_read(
    tmp_path: Path, row: str, kind: str, detail: str
) -> None:
    reject, drawing = kaggle.read(write(tmp_path / "a.csv", HEADER, row, ROW))
    assert isinstance(reject, Reject)
    assert (reject.number, reject.kind) == (2, kind)
    assert detail in reject.detail
    assert isinstance(drawing, Drawing)
    assert drawing.number == 3


def test_a_line_that_is_not_utf_8_is_a_reject(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\n{ROW}\n".encode() + ROW.replace("ice", "caf\u00e9").encode("latin-1"))
    _, reject = kaggle.read(path)
    assert isinstance(reject, Reject)
    assert reject.kind == "not_text"
    assert kaggle.read_words(path) == ["ice cream"]


def test_words_are_composed(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD")]
    path = write(tmp_path / "a.csv", HEADER, *(ROW.replace("ice cream", form) for form in forms))
    assert kaggle.read_words(path) == [forms[0]]
    assert [drawing.word for drawing in kaggle.read(path) if isinstance(drawing, Drawing)] == [forms[0]] * 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            (),
            "is not CSV of Kaggle drawings: line 1: the line is blank; allowed: a header with countrycode, drawing, ",
        ),
        ((HEADER,), "has no row; allowed: CSV of Kaggle drawings"),
        (
            ("key_id,countrycode,drawing", "1,NZ,[]"),
            "lacks the columns recognized, timestamp, word, as the competition's test files do (train_simplified has the classes); allowed: ",
        ),
        (
            ("ds,y", "2020-01-01,1"),
            "lacks the columns countrycode, drawing, key_id, recognized, timestamp, word; allowed: ",
        ),
        ((HEADER.replace(",", ";"), ROW), "lacks the columns "),
        ((HEADER + ",word", ROW), "repeats a column in its header; allowed: "),
        ((HEADER, "x"), "is not CSV of Kaggle drawings: line 2: 1 cells, not the 6 of the header"),
    ],
)
def test_a_file_without_drawings_is_named(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    path = write(tmp_path / "a.csv", *lines)
    with pytest.raises(UserError) as error:
        kaggle.check(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_file_without_classes_is_read_if_they_are_not_required(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "key_id,countrycode,drawing", '7,NZ,"[[[0, 255], [0, 128]]]"', "8,NZ")
    with pytest.raises(UserError, match="lacks the columns recognized, timestamp, word"):
        list(kaggle.read(path))
    drawing, reject = kaggle.read(path, ("key_id", "drawing"))
    assert isinstance(drawing, Drawing)
    assert (drawing.key_id, drawing.word, drawing.countrycode) == (7, "", "NZ")
    assert isinstance(reject, Reject)
