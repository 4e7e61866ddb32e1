"""The embedded sample: what it holds, that it is reproducible, and how its settings work."""

from __future__ import annotations

import hashlib
import importlib.util
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import Params, SketchQuality
from strokecast.sources import registry
from strokecast.sources.formats import npz, reading, source_json
from strokecast.sources.formats.npz import Splits
from strokecast.sources.sketches import quickdraw_sample
from strokecast.sources.sketches.quickdraw_sample import CLASSES

Settings = Callable[..., Params]
RAW = paths.RAW / "sketches"
ROOT = Path(__file__).resolve().parents[4]
DATA = Path(str(resources.files("strokecast.sources") / "data"))
COUNTS = {"train": 240, "valid": 40, "test": 100}


@pytest.fixture(scope="module")
def sample() -> dict[str, Splits]:
    return quickdraw_sample.read()


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """`tools/make_quickdraw_sample.py` as a module."""
    spec = importlib.util.spec_from_file_location("maker", ROOT / "tools/make_quickdraw_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chosen(settings: Settings, **options: object) -> Params:
    return settings(sketches={"source": "quickdraw_sample", "quickdraw_sample": options})


# ---------------------------------------------------------------- contents


def test_twelve_classes_with_the_documented_counts(sample: dict[str, Splits]) -> None:
    assert tuple(sample) == CLASSES
    assert list(CLASSES) == sorted(CLASSES)
    for label, splits in sample.items():
        assert {split: len(drawings) for split, drawings in splits.items()} == COUNTS, label


def test_no_drawing_occurs_twice(sample: dict[str, Splits]) -> None:
    digests = {
        hashlib.sha256(drawing.tobytes()).digest()
        for splits in sample.values()
        for drawings in splits.values()
        for drawing in drawings
    }
    assert len(digests) == 12 * sum(COUNTS.values())


def test_lengths_are_those_of_real_drawings(sample: dict[str, Splits]) -> None:
    lengths = [len(drawing) for splits in sample.values() for drawing in splits["train"]]
    assert min(lengths) >= 10
    assert 40 <= np.median(lengths) <= 60
    assert max(lengths) <= 250


@pytest.mark.slow
def test_every_drawing_passes_validation_without_a_warning(project: Path, settings: Settings) -> None:
    from strokecast.validation.sketches.source import SketchSource
    from strokecast.validation.sketches.validate import validate_sketches

    registry.download("sketches", chosen(settings))
    source = SketchSource.from_json(source_json.read(RAW, "sketches"))
    outcome = validate_sketches(lambda: reading.read(RAW), source, SketchQuality())
    assert outcome.line == "4,560 read: 4,560 accepted, 0 quarantined"
    assert outcome.warnings == []


def test_every_drawing_keeps_the_rules_of_validation(sample: dict[str, Splits]) -> None:
    rules = SketchQuality()
    for splits in sample.values():
        for drawing in (drawing for drawings in splits.values() for drawing in drawings):
            assert drawing.dtype == np.int16  # hence finite
            assert drawing.shape[1:] == (3,)
            assert rules.min_points <= len(drawing) <= rules.max_points
            assert np.abs(drawing[:, :2]).max() <= rules.max_delta
            assert drawing[-1, 2] == 1
            assert np.isin(drawing[:, 2], (0, 1)).all()


# ---------------------------------------------------------------- the file


def test_the_file_is_small_and_needs_no_pickle() -> None:
    path = DATA / "quickdraw_sample.npz"
    assert path.stat().st_size < 700_000
    with np.load(path, allow_pickle=False) as archive:
        assert {name: archive[name].dtype.kind for name in archive.files} == {
            "classes": "U",
            "n_drawings": "i",
            "n_positions": "u",
            "positions": "u",
            "pen_lifts": "u",
        }


def test_the_licence_lies_beside_the_file() -> None:
    text = (DATA / "quickdraw_sample.LICENSE.md").read_text(encoding="utf-8")
    for words in (
        "Google",
        "Quick, Draw! Data",
        "CC BY 4.0",
        "googlecreativelab/quickdraw-dataset",
        "changed",
    ):
        assert words in text


def test_the_maker_makes_the_same_bytes_from_the_original_files(maker: ModuleType, shared: Path) -> None:
    encoded = maker.encode(shared / "quickdraw" / "sketchrnn")
    assert hashlib.sha256(encoded).hexdigest() == files.sha256(DATA / "quickdraw_sample.npz")


def test_the_drawings_are_the_first_ones_of_each_split(sample: dict[str, Splits], shared: Path) -> None:
    for label in CLASSES:
        original = npz.read_class(shared / "quickdraw" / "sketchrnn" / f"{label}.npz")
        for split, count in COUNTS.items():
            for drawing, expected in zip(sample[label][split], original[split][:count], strict=True):
                np.testing.assert_array_equal(drawing, expected)


def test_the_maker_refuses_too_few_drawings_and_drawings_that_do_not_fit_the_box(
    maker: ModuleType, tmp_path: Path, drawings: Splits
) -> None:
    npz.write_class(tmp_path / "cat.npz", drawings)
    with pytest.raises(ValueError, match="cat: 6 train drawings, 7 needed"):
        maker.encode(tmp_path, ["cat"], {"train": 7, "valid": 1, "test": 1})
    npz.write_class(tmp_path / "dog.npz", {**drawings, "train": [np.array([[200, 0, 0], [56, 0, 1]])]})
    with pytest.raises(ValueError, match="an extent of 256 units, more than 255"):
        maker.encode(tmp_path, ["dog"], {"train": 1, "valid": 1, "test": 1})


def test_the_wheel_includes_the_data(tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        for name in ("quickdraw_sample.npz", "quickdraw_sample.LICENSE.md"):
            assert archive.read(f"strokecast/sources/data/{name}") == (DATA / name).read_bytes()


# ---------------------------------------------------------------- the source


def test_it_is_the_default_source(settings: Settings) -> None:
    assert settings().sketches.source == "quickdraw_sample"


def test_a_download_writes_class_files_and_the_attribution(
    project: Path, settings: Settings, sample: dict[str, Splits]
) -> None:
    line = registry.download("sketches", chosen(settings))
    assert line == "quickdraw_sample: 12 classes x 240 train / 40 valid / 100 test"
    assert sorted(p.name for p in RAW.iterdir()) == sorted(
        [*(f"{label}.npz" for label in CLASSES), "source.json"]
    )
    record = source_json.read(RAW, "sketches")
    assert record["source"] == "quickdraw_sample"
    assert record["classes"] == list(CLASSES)
    assert record["cap"] == {"train": None, "valid": None, "test": None}
    assert record["licence"] == "CC BY 4.0"
    assert "Google" in record["attribution"]
    assert "https://github.com/googlecreativelab/quickdraw-dataset" in record["attribution"]
    for drawing, expected in zip(npz.read_split(RAW / "pig.npz", "test"), sample["pig"]["test"], strict=True):
        np.testing.assert_array_equal(drawing, expected)


def test_two_downloads_have_the_same_bytes(project: Path, settings: Settings) -> None:
    registry.download("sketches", chosen(settings, classes=["pig", "face"]))
    first = files.digest_tree(RAW)
    registry.download("sketches", chosen(settings, classes=["pig", "face"]))
    assert files.digest_tree(RAW) == first


def test_classes_and_cap(project: Path, settings: Settings, sample: dict[str, Splits]) -> None:
    line = registry.download(
        "sketches", chosen(settings, classes=["pig", "ant"], cap={"train": 3, "test": 500})
    )
    assert line == "quickdraw_sample: 2 classes x 3 train / 40 valid / 100 test"
    read = {(group.label, group.split): group.drawings for group in reading.read(RAW)}
    assert {key: len(drawings) for key, drawings in read.items()} == {
        (label, split): count
        for label in ("pig", "ant")
        for split, count in (("train", 3), ("valid", 40), ("test", 100))
    }
    for drawing, expected in zip(read["pig", "train"], sample["pig"]["train"], strict=False):
        np.testing.assert_array_equal(drawing, expected)


def test_bad_classes_are_one_line(project: Path, settings: Settings) -> None:
    with pytest.raises(
        UserError, match=r"unknown class 'pigg'.*alarm clock, ant, .*suitcase.*did you mean 'pig'"
    ) as error:
        registry.download("sketches", chosen(settings, classes=["ant", "pigg"]))
    assert "\n" not in str(error.value)
    assert "sketches.quickdraw_sample.classes" in str(error.value)
    with pytest.raises(UserError, match="'ant' is listed twice"):
        registry.download("sketches", chosen(settings, classes=["ant", "ant"]))
    with pytest.raises(UserError, match="the list is empty"):
        registry.download("sketches", chosen(settings, classes=[]))
    assert not RAW.exists()


def test_presets_choose_classes_of_the_sample() -> None:
    for preset in sorted((ROOT / "presets").glob("*.yaml")):
        sketches = yaml.safe_load(preset.read_text(encoding="utf-8")).get("sketches", {})
        classes = sketches.get("quickdraw_sample", {}).get("classes", "all")
        assert classes == "all" or set(classes) <= set(CLASSES), preset.name
