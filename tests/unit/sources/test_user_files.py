"""Drawings in files as users have them: read, or one line that names the file and the remedy.

`tests/unit/commands/test_cases.py` reads all cases of `tests/cases/`.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import pickle
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.sources import registry
from strokecast.sources.formats import npz, reading

CASES = Path(__file__).resolve().parents[2] / "cases"
Drawings = dict[str, list[np.ndarray]]


def settings_for(source: str, folder: Path | str, **options: Any) -> params.Params:
    key = "base_url" if source.startswith("quickdraw") else "folder"
    return params.parse({"sketches": {"source": source, source: {key: str(folder), **options}}})


def download(source: str, folder: Path, **options: Any) -> str:
    return registry.download("sketches", settings_for(source, folder, **options))


def download_error(source: str, folder: Path, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        download(source, folder, **options)
    line = str(error.value)
    assert "\n" not in line
    assert not (paths.RAW / "sketches").exists()
    return line


def counts() -> dict[str, int]:
    """Drawings per class, over all splits; no reject."""
    totals: dict[str, int] = {}
    for group in reading.read(paths.RAW / "sketches"):
        assert not group.rejects
        assert all(len(drawing) == 0 or drawing[-1, 2] == 1 for drawing in group.drawings)
        totals[group.label] = totals.get(group.label, 0) + len(group.drawings)
    return totals


def test_classes_of_console_files_may_be_listed(project: Path) -> None:
    download("quickdraw_simplified", CASES / "console-names", classes=["ice cream"])
    assert counts() == {"ice cream": 30}
    with pytest.raises(UserError, match=r"no file ice\.ndjson in .*; did you mean 'ice cream'\?"):
        download("quickdraw_simplified", CASES / "console-names", classes=["ice"])


def test_a_class_under_two_names_is_an_error(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CASES / "npz/console", folder)
    shutil.copyfile(folder / "sketchrnn_cat.npz", folder / "cat.npz")
    assert download_error("npz_folder", folder) == (
        f"{folder}: 'cat.npz' and 'sketchrnn_cat.npz' both hold the class 'cat'; keep one of them"
    )


def test_files_that_are_passed_over_are_named(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CASES / "npz/stroke5", folder)
    (folder / "cat.full.npz").touch()
    (folder / "owl.npz.gz").touch()
    (folder / "pig.npz.crdownload").touch()
    line = download("npz_folder", folder)
    assert line.endswith("MB; passed over: cat.full.npz, owl.npz.gz, pig.npz.crdownload")
    assert counts() == {"cat": 46, "dog": 46}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_any_unicode_form_are_one_class(
    project: Path, tmp_path: Path, drawings: Drawings, form: Any
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    npz.write_class(folder / f"{unicodedata.normalize('NFD', 'café')}.npz", drawings)
    download("npz_folder", folder, classes=[unicodedata.normalize(form, "café")])
    assert list(counts()) == ["caf\u00e9"]
    assert (paths.RAW / "sketches/caf\u00e9.npz").is_file()


def test_words_in_another_unicode_form_are_of_the_class(
    project: Path, tmp_path: Path, ndjson_line: Callable[..., bytes]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "caf\u00e9.ndjson").write_bytes(ndjson_line("simplified", word="cafe\u0301"))
    download("quickdraw_simplified", folder)
    assert counts() == {"caf\u00e9": 1}


def test_a_file_called_by_another_class_is_an_error(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "bee (1).ndjson"
    shutil.copyfile(CASES / "console-names/full_simplified_bee.ndjson", path)
    assert download_error("quickdraw_simplified", tmp_path) == (
        f"{path}: contains drawings of 'bee', not of 'bee (1)'; call the file bee.ndjson"
    )


# ---------------------------------------------------------------- files of another type

BEE = CASES / "console-names/full_simplified_bee.ndjson"


def zip_bytes(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.write(BEE, "bee.ndjson")
    return (tmp_path / "x").read_bytes()


OTHER_TYPES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "gzip": (
        lambda _: gzip.compress(BEE.read_bytes()),
        "a gzip-compressed file, not {}; unpack it with `gunzip`",
    ),
    "xz": (lambda _: lzma.compress(BEE.read_bytes()), "an xz-compressed file, not {}; unpack it with `unxz`"),
    "7z": (lambda _: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), "a 7-Zip archive, not {}; unpack it with `7z x`"),
    "zip": (zip_bytes, "a zip archive, not {}; unpack it with `unzip`"),
    "excel": (
        lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
        "an Excel workbook, not {}; save it as CSV (UTF-8)",
    ),
    "parquet": (
        lambda _: b"PAR1" + bytes(99),
        "a Parquet file, not {}; convert it, for example with pandas.read_parquet",
    ),
    "pickle": (lambda _: pickle.dumps([np.zeros(3)]), "a Python pickle, not {}; save plain arrays instead"),
    "utf-16": (lambda _: BEE.read_text().encode("utf-16"), "UTF-16 text, not {}; save it as UTF-8"),
}
EXPECTED = {
    "quickdraw_simplified": ("bee.ndjson", "simplified ndjson"),
    "npz_folder": ("bee.npz", "a Sketch-RNN npz"),
    "kaggle_csv": ("bee.csv", "CSV of Kaggle drawings"),
    "quickdraw_binary": ("bee.bin", "a .bin file of drawings"),
}


@pytest.mark.parametrize("source", EXPECTED)
@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_file_of_another_type_is_named(project: Path, tmp_path: Path, source: str, kind: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    make, line = OTHER_TYPES[kind]
    name, expected = EXPECTED[source]
    (folder / name).write_bytes(make(tmp_path))
    assert download_error(source, folder) == f"{folder / name}: is {line.format(expected)}"


@pytest.mark.parametrize(
    ("name", "data", "source", "end"),
    [
        (
            "bee.ndjson.gz",
            gzip.compress(b"{}", mtime=0),
            "quickdraw_simplified",
            "it contains bee.ndjson.gz: it is a gzip-compressed file; unpack it with `gunzip`",
        ),
        (
            "bee.ndjson",
            b"{}",
            "npz_folder",
            "it contains bee.ndjson; for such files set sketches.source: quickdraw_simplified or quickdraw_raw",
        ),
        (
            "bee.csv",
            b"",
            "quickdraw_simplified",
            "it contains bee.csv; for such files set sketches.source: kaggle_csv",
        ),
        ("sketchrnn", None, "npz_folder", "it contains sketchrnn"),
    ],
)
def test_a_folder_without_class_files_names_its_contents(
    project: Path, tmp_path: Path, name: str, data: bytes | None, source: str, end: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    if data is None:
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(data)
    assert download_error(source, folder).endswith(f"; {end}")


def test_a_listed_class_that_is_compressed_is_named(project: Path, tmp_path: Path) -> None:
    shutil.copyfile(BEE, tmp_path / "bee.ndjson")
    (tmp_path / "ant.ndjson.gz").write_bytes(gzip.compress(b"{}", mtime=0))
    assert download_error("quickdraw_simplified", tmp_path, classes=["bee", "ant"]) == (
        f"{tmp_path / 'ant.ndjson.gz'}: is not <class>.ndjson; it is a gzip-compressed file; unpack it with "
        "`gunzip`, so that ant.ndjson is in the folder"
    )


# ---------------------------------------------------------------- special files, odd names


@pytest.mark.parametrize("source", EXPECTED)
@pytest.mark.parametrize(
    ("make", "line"),
    [
        (os.mkfifo, "is a named pipe; allowed: a regular file"),
        (os.mkdir, "is a folder; allowed: a regular file"),
        (lambda path: path.symlink_to(path.name), "its symbolic links form a circle"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device; allowed: a regular file"),
        (lambda path: path.symlink_to("gone"), "no such file"),
    ],
    ids=["pipe", "folder", "circle", "device", "dangling"],
)
def test_what_is_no_regular_file_is_an_error(
    project: Path, tmp_path: Path, source: str, make: Callable[[Path], None], line: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    name, _ = EXPECTED[source]
    make(folder / name)
    assert download_error(source, folder) == f"{folder / name}: {line}"


@pytest.mark.parametrize("source", [*EXPECTED, "quickdraw", "tutorial_tfrecord"])
def test_a_folder_that_cannot_be_listed_is_an_error(project: Path, tmp_path: Path, source: str) -> None:
    key = "base_url" if source.startswith("quickdraw") else "folder"
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, reason in {
        "circle": "its symbolic links form a circle",
        "file": "is not a folder",
        "pipe": "is not a folder",
        "x" * 300: "the name is too long for the file system",
    }.items():
        path = tmp_path / name
        with pytest.raises(UserError) as error:
            download(source, path)
        assert str(error.value).startswith(f"params.yaml: sketches.{source}.{key}: '{path}': {reason}")


@pytest.mark.parametrize("source", [*EXPECTED, "quickdraw", "tutorial_tfrecord"])
def test_a_path_that_no_system_has_is_an_error(project: Path, source: str) -> None:
    key = f"params.yaml: sketches.{source}.{'base_url' if source.startswith('quickdraw') else 'folder'}"
    for folder, line in (
        ("a\0b", f"{key}: 'a\\x00b' contains a null byte"),
        ("~nobody-of-this-name/x", f"{key}: no such folder '~nobody-of-this-name/x'"),
    ):
        with pytest.raises(UserError) as error:
            registry.download("sketches", settings_for(source, folder))
        assert str(error.value).startswith(line)


def test_a_path_of_300_characters_is_read(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("long folder name " * 8).strip() / ("and another one " * 8).strip()
    folder.mkdir(parents=True)
    assert len(str(folder)) > 300
    shutil.copytree(CASES / "npz/stroke5", folder, dirs_exist_ok=True)
    download("npz_folder", folder)
    assert counts() == {"cat": 46, "dog": 46}


@pytest.mark.parametrize("source", EXPECTED)
@pytest.mark.parametrize(
    ("stem", "character"), [(b"two\nlines", "U+000A"), (b"caf\xe9", "U+DCE9"), (b"\x1b[31m", "U+001B")]
)
def test_a_name_that_cannot_be_a_class_is_an_error(
    project: Path, tmp_path: Path, source: str, stem: bytes, character: str
) -> None:
    name, _ = EXPECTED[source]
    (tmp_path / (os.fsdecode(stem) + Path(name).suffix)).touch()
    assert character in download_error(source, tmp_path)


# ---------------------------------------------------------------- absurd contents


@pytest.mark.parametrize("source", EXPECTED)
def test_an_empty_file_is_an_error(project: Path, tmp_path: Path, source: str) -> None:
    name, _ = EXPECTED[source]
    (tmp_path / name).touch()
    assert download_error(source, tmp_path).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize(
    "number",
    ["1e300", "-1e308", "1e999", "NaN", "Infinity", "18446744073709551616", "9" * 400, "0.5", "true"],
)
@pytest.mark.parametrize("source", ["quickdraw_simplified", "quickdraw_raw", "kaggle_csv"])
def test_a_drawing_with_an_absurd_number_is_rejected(
    project: Path, tmp_path: Path, source: str, number: str, ndjson_line: Callable[..., bytes]
) -> None:
    variant = "raw" if source == "quickdraw_raw" else "simplified"
    good = ndjson_line(variant, word="bee")
    bad = ndjson_line(variant, word="bee", key_id="7").replace(b"[[[0, ", f"[[[{number}, ".encode())
    assert bad != good
    if source == "kaggle_csv":
        columns = ("key_id", "word", "countrycode", "timestamp", "recognized", "drawing")
        rows = [",".join(columns)]
        for key_id, line in (("5", good), ("7", bad)):
            drawing = line.decode().partition('"drawing": ')[2][:-1]
            rows.append(f'{key_id},bee,NZ,2017-03-08,True,"{drawing}"')
        (tmp_path / "bee.csv").write_text("\n".join(rows))
    else:
        (tmp_path / "bee.ndjson").write_bytes(good + b"\n" + bad)
    download(source, tmp_path)
    groups = list(reading.read(paths.RAW / "sketches"))
    rejects = [reject for group in groups for reject in group.rejects]
    if source == "quickdraw_raw" and number == "0.5":
        assert not rejects
        return
    [reject] = rejects
    assert len(reject.detail) < 200
    assert sum(len(group.drawings) for group in groups) == 1


@pytest.mark.parametrize("number", [1e300, -1e308, np.nan, np.inf, 2.0**64])
def test_absurd_numbers_in_an_npz_are_left_to_validation(
    project: Path, tmp_path: Path, drawings: Drawings, number: float
) -> None:
    arrays = {split: np.array([*items[:1], *items], dtype=object)[1:] for split, items in drawings.items()}
    arrays["train"][0] = arrays["train"][0].astype(np.float64)
    arrays["train"][0][0, 0] = number
    np.savez(tmp_path / "bee.npz", **arrays)
    download("npz_folder", tmp_path)
    first = next(reading.read(paths.RAW / "sketches")).drawings[0]
    assert np.array_equal(first[0, 0], number, equal_nan=True)


def test_a_pickle_that_runs_code_is_refused_at_download(project: Path, tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    bad = np.empty(1, dtype=object)
    bad[0] = Exploit()
    np.savez(tmp_path / "bee.npz", train=bad, valid=bad, test=bad)
    assert download_error("npz_folder", tmp_path) == (
        f"{tmp_path / 'bee.npz'}: is not safe to read: train.npy needs posix.mkdir, which an array of numbers "
        "does not need; get this file from a source you trust"
    )
    assert not (tmp_path / "ran").exists()


def test_integers_beyond_64_bits_in_an_npz_are_refused(project: Path, tmp_path: Path) -> None:
    bad = np.empty(1, dtype=object)
    bad[0] = np.array([[1 << 70, 0, 1]], dtype=object)
    np.savez(tmp_path / "bee.npz", train=bad, valid=bad, test=bad)
    assert "drawing 0 is not an array of numbers" in download_error("npz_folder", tmp_path)


@pytest.mark.parametrize("case", ["console-names", "kaggle-csv", "npz/stroke5"])
def test_a_raw_file_that_was_truncated_after_the_download_is_an_error(project: Path, case: str) -> None:
    sources = {
        "console-names": "quickdraw_simplified",
        "kaggle-csv": "kaggle_csv",
        "npz/stroke5": "npz_folder",
    }
    download(sources[case], CASES / case)
    path = next(path for path in sorted((paths.RAW / "sketches").iterdir()) if path.name != "source.json")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError) as error:
        list(reading.read(paths.RAW / "sketches"))
    assert str(error.value) == (
        f"{path}: has {size - 200:,} bytes, not the {size:,} that were downloaded; run `dvc repro -f "
        "download@sketches`"
    )


def test_source_json_of_kaggle_names_the_classes_of_each_file(project: Path) -> None:
    download("kaggle_csv", CASES / "kaggle-csv", classes=["bee"])
    source = json.loads((paths.RAW / "sketches/source.json").read_text())
    assert source["words"] == {"bee.csv": ["bee"]}
    assert counts() == {"bee": 30}
