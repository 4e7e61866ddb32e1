"""Every parser on real samples, and the conversion of raw drawings against the official one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from strokecast.sources.formats import binary, ndjson, npz, simplify, tutorial
from strokecast.sources.formats.records import Drawing
from strokecast.sources.formats.strokes3 import to_strokes3

BOTH = ("airplane", "circle", "t-shirt", "camouflage", "The Eiffel Tower")


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("raw/airplane", 23),
        ("raw/camouflage", 11),
        ("raw/cat", 25),
        ("raw/circle", 44),
        ("raw/t-shirt", 29),
        ("raw/The Eiffel Tower", 27),
        ("simplified/airplane", 25),
        ("simplified/camouflage", 25),
        ("simplified/circle", 25),
        ("simplified/crab", 25),
        ("simplified/face", 25),
        ("simplified/monkey", 1000),
        ("simplified/t-shirt", 25),
        ("simplified/The Eiffel Tower", 25),
    ],
)
def test_ndjson_files_are_read_whole(shared: Path, file: str, count: int) -> None:
    form, word = file.split("/")
    items = list(ndjson.read(shared / "quickdraw/full" / f"{file}.ndjson", form))
    drawings = [item for item in items if isinstance(item, Drawing)]
    assert len(items) == len(drawings) == count
    assert {drawing.word for drawing in drawings} == {word}
    assert len({drawing.key_id for drawing in drawings}) == count
    assert {len(stroke) for drawing in drawings for stroke in drawing.strokes} == {3 if form == "raw" else 2}


def test_the_first_raw_airplane_value_by_value(shared: Path) -> None:
    path = shared / "quickdraw/full/raw/airplane.ndjson"
    drawing = next(ndjson.read(path, "raw"))
    assert isinstance(drawing, Drawing)
    assert (drawing.number, drawing.key_id) == (1, 5152802093400064)
    assert (drawing.countrycode, drawing.timestamp) == ("US", "2017-03-08 21:12:07.26604 UTC")
    assert drawing.recognized is True
    with path.open() as file:
        expected = json.loads(file.readline())["drawing"]
    assert [stroke.tolist() for stroke in drawing.strokes] == expected


def test_the_binary_bed_value_by_value(shared: Path) -> None:
    (bed,) = binary.read(shared / "quickdraw/full/binary/bed.bin")
    assert isinstance(bed, Drawing)
    assert bed.key_id == int.from_bytes(bytes.fromhex("0000a0bca1661100"), "little")
    assert (bed.countrycode, bed.recognized, bed.timestamp) == ("US", True, "2017-01-24 22:38:33 UTC")
    assert [stroke.shape for stroke in bed.strokes] == [(2, 11), (2, 2), (2, 3), (2, 2), (2, 2), (2, 5)]
    assert bytes(bed.strokes[0].astype(np.uint8)[0]).hex() == "120c000b739db5ddf2fdff"
    assert bytes(bed.strokes[0].astype(np.uint8)[1]).hex() == "00083e40423f43414d3f13"
    assert bed.strokes[1].tolist() == [[0xF6, 0xF8], [0x4C, 0x8A]]


def pairs(shared: Path) -> list[tuple[Drawing, Drawing]]:
    found = []
    for word in BOTH:
        by_key = [
            {
                item.key_id: item
                for item in ndjson.read(shared / f"quickdraw/full/{form}/{word}.ndjson", form)
                if isinstance(item, Drawing)
            }
            for form in ("raw", "simplified")
        ]
        found += [(by_key[0][key], by_key[1][key]) for key in by_key[0] if key in by_key[1]]
    return found


def test_raw_converts_to_simplified(shared: Path) -> None:
    both = pairs(shared)
    assert len(both) == 109
    equal = close = 0
    for raw, official in both:
        ours = [stroke[:2] for stroke in simplify.simplify(raw.strokes)]
        same_counts = [s.shape for s in ours] == [s.shape for s in official.strokes]
        equal += same_counts
        close += same_counts and all(
            np.abs(a - b).max() <= 1 for a, b in zip(ours, official.strokes, strict=True)
        )
    assert equal / len(both) >= 0.94, f"{equal} of {len(both)} have equal point counts"
    assert close / len(both) >= 0.92, f"{close} of {len(both)} match within 1 px"


def test_pen_movements_follow_the_convention_of_the_npz_files(shared: Path) -> None:
    """The mirror's npz were simplified by another hand, but strokes start and end at the same places."""
    manifest = json.loads((shared / "quickdraw/MANIFEST.json").read_text())
    compared = alike = 0
    for word in ("airplane", "crab", "face"):
        keys = next(entry for entry in manifest if entry["cls"] == word)["key_ids"]
        ours = {
            item.key_id: to_strokes3(item.strokes).astype(int)
            for item in ndjson.read(shared / f"quickdraw/full/simplified/{word}.ndjson", "simplified")
            if isinstance(item, Drawing)
        }
        for split, drawings in npz.read_class(shared / f"quickdraw/sketchrnn/{word}.npz").items():
            for key, theirs in zip(keys[split], drawings, strict=True):
                if int(key) in ours:
                    ends = [
                        rows[:, :2].cumsum(axis=0)[rows[:, 2] == 1]
                        for rows in (ours[int(key)], theirs.astype(int))
                    ]
                    compared += 1
                    alike += ends[0].shape == ends[1].shape and np.abs(ends[0] - ends[1]).max() <= 2
    assert compared == 46
    assert alike >= 43


def test_pen_movements_value_by_value() -> None:
    strokes = [np.array([[10, 13, 255], [20, 16, 0]]), np.array([[7], [7]]), np.array([[0, 0], [255, 255]])]
    rows = to_strokes3([stroke.astype(np.float64) for stroke in strokes])
    assert rows.dtype == np.int16
    assert rows.tolist() == [[3, -4, 0], [242, -16, 1], [-248, 7, 1], [-7, 248, 0], [0, 0, 1]]
    assert to_strokes3([np.array([[5.0], [5.0]])]).shape == (0, 3)


def test_tutorial_shards(shared: Path) -> None:
    folder = shared / "quickdraw_tutorial"
    names = tutorial.classes(folder)
    assert len(names) == 15
    assert names[0] == "airplane"
    assert names[-1] == "television"
    counts: Counter[str] = Counter()
    per_class: Counter[int] = Counter()
    for its_set, paths in tutorial.shards(folder).items():
        for path in paths:
            for item in tutorial.read(path, len(names)):
                assert isinstance(item, tutorial.Ink), item
                counts[its_set] += 1
                per_class[item.class_index] += 1
                placed = np.cumsum(np.vstack(([0, 0], item.points[:, :2].astype(np.float64))), axis=0)
                extent = placed.max(axis=0) - placed.min(axis=0)
                assert np.all((np.abs(extent - 1) < 1e-4) | (extent == 0)), (path.name, item.number, extent)
                assert set(np.unique(item.points[:, 2])) <= {0.0, 1.0}
                assert item.points[-1, 2] == 1
    assert counts == {"training": 6000, "eval": 1500}
    assert set(per_class.values()) == {500}
