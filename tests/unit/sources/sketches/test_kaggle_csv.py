"""The source `kaggle_csv`: classes from the column `word`, in one file or in several, and changes of the folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.params import Cap, KaggleCsv
from strokecast.sources.formats import reading
from strokecast.sources.sketches import kaggle_csv

CASES = Path(__file__).resolve().parents[3] / "cases" / "kaggle-csv"


def counts(raw_folder: Path) -> dict[str, int]:
    totals: dict[str, int] = {}
    for group in reading.read(raw_folder):
        totals[group.label] = totals.get(group.label, 0) + len(group.drawings)
    return totals


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A folder with one file of both classes."""
    folder = tmp_path / "merged"
    folder.mkdir()
    bee, ice_cream = (CASES / name for name in ("bee.csv", "ice cream.csv"))
    lines = ice_cream.read_text().splitlines(keepends=True)[1:]
    (folder / "all.csv").write_text(bee.read_text() + "".join(lines))
    return folder


def test_one_file_of_several_classes_gives_the_same_drawings(merged: Path, tmp_path: Path) -> None:
    groups: list[dict[str, Any]] = []
    for name, folder in (("one", merged), ("several", CASES)):
        raw_folder = tmp_path / name
        raw_folder.mkdir()
        kaggle_csv.fetch(KaggleCsv(folder=str(folder)), raw_folder)
        groups.append(
            {
                drawing_id: drawing.tolist()
                for group in reading.read(raw_folder)
                for drawing_id, drawing in zip(group.ids, group.drawings, strict=True)
            }
        )
    assert groups[0] == groups[1]
    assert len(groups[0]) == 60


def test_listed_classes_and_caps(merged: Path, raw_folder: Path) -> None:
    options = KaggleCsv(folder=str(merged), classes=("ice cream",), cap=Cap(train=5, valid=1, test=1))
    assert kaggle_csv.fetch(options, raw_folder).startswith("kaggle_csv: 1 classes, ")
    groups = list(reading.read(raw_folder))
    assert [(group.label, group.split) for group in groups] == [
        ("ice cream", split) for split in ("train", "valid", "test")
    ]
    assert len(groups[0].drawings) == 5
    assert not groups[0].rejects


def test_a_drawing_of_two_files_is_a_duplicate(tmp_path: Path, raw_folder: Path) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    for name in ("bee.csv", "bee again.csv"):
        shutil.copyfile(CASES / "bee.csv", folder / name)
    kaggle_csv.fetch(KaggleCsv(folder=str(folder)), raw_folder)
    rejects = [reject for group in reading.read(raw_folder) for reject in group.rejects]
    assert [reject.kind for reject in rejects] == ["duplicate_key"] * 30
    assert counts(raw_folder) == {"bee": 30}


def test_bad_options_give_one_line(tmp_path: Path, raw_folder: Path) -> None:
    for options, line in (
        (
            KaggleCsv(folder="none"),
            "params.yaml: sketches.kaggle_csv.folder: no such folder 'none'; allowed: a folder with CSV files",
        ),
        (
            KaggleCsv(folder=str(tmp_path)),
            f"params.yaml: sketches.kaggle_csv: {tmp_path} contains no <class>.csv; it contains raw",
        ),
        (
            KaggleCsv(folder=str(CASES), classes=("be",)),
            "params.yaml: sketches.kaggle_csv.classes: unknown class 'be'; choose one of bee, ice cream; did you mean 'bee'?",
        ),
    ):
        with pytest.raises(UserError) as error:
            kaggle_csv.fetch(options, raw_folder)
        assert str(error.value) == line
    with pytest.raises(
        ValueError, match=r"the sum of valid_share \(0.[56]\) and test_share \(0.[45]\) should be below 1"
    ):
        KaggleCsv(valid_share=0.5, test_share=0.5)


def test_a_word_that_cannot_be_a_class_is_an_error(tmp_path: Path, raw_folder: Path) -> None:
    text = (CASES / "bee.csv").read_text()
    (tmp_path / "bee.csv").write_text(text.replace(",bee\n", ",bee/fly\n"))
    with pytest.raises(UserError, match="'bee/fly' is not a class name"):
        kaggle_csv.fetch(KaggleCsv(folder=str(tmp_path)), raw_folder)


def test_changes_of_the_folder_are_described(tmp_path: Path, raw_folder: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CASES, folder)
    options = KaggleCsv(folder=str(folder))
    kaggle_csv.fetch(options, raw_folder)
    source = json.loads((raw_folder / "source.json").read_text())
    assert kaggle_csv.describe_change(options, source) is None
    (folder / "new.csv").touch()
    assert kaggle_csv.describe_change(options, source) == f"{folder} has a new file new.csv"
    with (folder / "bee.csv").open("a") as file:
        file.write("\n")
    assert kaggle_csv.describe_change(options, source) == f"the size of {folder / 'bee.csv'} changed"
    assert kaggle_csv.describe_change(KaggleCsv(folder=str(tmp_path / "gone")), source) is None


@pytest.mark.parametrize(
    "words", [None, {}, {"../x.csv": ["bee"]}, {"bee.csv": []}, {"bee.csv": ["ant"]}, [1]]
)
def test_a_source_json_without_the_classes_of_each_file_is_an_error(raw_folder: Path, words: Any) -> None:
    kaggle_csv.fetch(KaggleCsv(folder=str(CASES), classes=("bee",)), raw_folder)
    source = json.loads((raw_folder / "source.json").read_text()) | {"words": words}
    (raw_folder / "source.json").write_text(json.dumps(source))
    with pytest.raises(
        UserError, match=r"source\.json: does not name the classes of each file; run `dvc repro -f"
    ):
        list(reading.read(raw_folder))
