"""From a downloaded folder to drawings by class and split: nothing lost, nothing counted twice."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import npz, reading
from strokecast.sources.formats.reading import Group, Options
from strokecast.sources.formats.splits import split_of


def a_file(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def a_source(folder: Path, form: str, classes: list[str], **options: Any) -> None:
    record = {"source": "test", "format": form, "classes": classes, "files": {}, "options": options}
    (folder / "source.json").write_text(json.dumps(record))


def names(groups: list[Group]) -> list[str]:
    return [name for group in groups for name in group.ids]


def test_shares_are_kept_and_a_split_is_a_function_of_the_key() -> None:
    keys = range(10**15, 10**15 + 20_000)
    counts = Counter(split_of(key, 0.1, 0.2) for key in keys)
    assert abs(counts["test"] / 20_000 - 0.2) < 0.01
    assert abs(counts["valid"] / 20_000 - 0.1) < 0.01
    assert [split_of(key, 0.1, 0.2) for key in range(6)] == [split_of(key, 0.1, 0.2) for key in range(6)]
    assert {split_of(key, 0.0, 0.0) for key in keys[:100]} == {"train"}
    assert split_of(7, 0.1, 0.2) == split_of((7).to_bytes(8, "little"), 0.1, 0.2)
    assert all(split_of(key, 0.1, 0.3) == "test" for key in keys if split_of(key, 0.1, 0.2) == "test")


def test_splits_are_those_that_were_given_out_before() -> None:
    """Drawings of an earlier download must stay where they were: the hash may never change."""
    first = [split_of(key, 0.2, 0.2) for key in (1, 2, 3, 4901, 5152802093400064, (1 << 64) - 1)]
    assert first == ["test", "valid", "train", "test", "train", "valid"]


def test_more_lines_and_other_formats_move_no_drawing(tmp_path: Path, shared: Path) -> None:
    options = Options(valid_share=0.2, test_share=0.2)
    raw = shared / "quickdraw/full/raw/circle.ndjson"
    lines = raw.read_bytes().splitlines()
    few = reading.read_file(a_file(tmp_path / "few.ndjson", lines[30:10:-1]), "raw", "circle", options)
    whole = reading.read_file(raw, "raw", "circle", options)
    simplified = reading.read_file(
        shared / "quickdraw/full/simplified/circle.ndjson", "simplified", "circle", options
    )
    assert len(names(few)) == 20
    assert set(names(few)) < set(names(whole))
    keys = {name.rsplit("/")[-1] for name in names(whole)}
    both = [name for name in names(simplified) if name.rsplit("/")[-1] in keys]
    assert len(both) == 25
    assert set(both) < set(names(whole))


def test_a_file_is_accounted_for_line_by_line(tmp_path: Path, line: Callable[..., bytes]) -> None:
    lines = [
        line(key_id=1),
        b"oops",
        line(key_id=2, recognized=False),
        line(key_id=1),
        line(key_id=3, word="dog"),
        line(key_id=4, drawing=[[[5, 5], [5, 5], [0, 9]]]),
        line(key_id=5),
    ]
    path = a_file(tmp_path / "cat.ndjson", lines)
    groups = reading.read_file(path, "raw", "cat", Options(recognized_only=True))
    assert [(group.label, group.split) for group in groups] == [("cat", split) for split in npz.SPLITS]
    assert groups[0].ids == ["cat/train/1", "cat/train/5"]
    assert [str(reject) for reject in groups[0].rejects] == [
        "cat.ndjson, line 2: no valid JSON: Expecting value at character 1",
        "cat.ndjson, line 3: the game did not recognise it (recognized_only)",
        "cat.ndjson, line 4: key_id 1 stands further up in this file",
        "cat.ndjson, line 5: word is \"dog\", not 'cat'",
        "cat.ndjson, line 6: all its points are one and the same",
    ]
    assert [reject.id for reject in groups[0].rejects] == [f"cat.ndjson:{number}" for number in range(2, 7)]
    assert [reject.kind for reject in groups[0].rejects] == [
        "not_json",
        "not_recognized",
        "duplicate_key",
        "other_class",
        "no_extent",
    ]
    assert not groups[1].rejects
    assert not groups[2].rejects


def test_unrecognised_drawings_are_kept_unless_left_out(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = a_file(tmp_path / "cat.ndjson", [line(key_id=1), line(key_id=2, recognized=False)])
    assert names(reading.read_file(path, "raw", "cat", Options())) == ["cat/train/1", "cat/train/2"]
    assert names(reading.read_file(path, "raw", "cat", Options(recognized_only=True))) == ["cat/train/1"]


def test_duplicates_by_key_id_are_found_across_files(tmp_path: Path, line: Callable[..., bytes]) -> None:
    a_file(tmp_path / "cat.ndjson", [line("simplified", key_id=key) for key in (1, 2, 1)])
    a_file(
        tmp_path / "dog.ndjson", [line("simplified", key_id=key, word="dog") for key in (3, 2, (1 << 64) - 1)]
    )
    a_source(tmp_path, "simplified", ["cat", "dog"])
    groups = list(reading.read(tmp_path))
    assert names(groups) == ["cat/train/1", "cat/train/2", "dog/train/3", f"dog/train/{(1 << 64) - 1}"]
    assert [str(reject) for group in groups for reject in group.rejects] == [
        "cat.ndjson, line 3: key_id 1 stands further up in this file",
        "dog.ndjson, line 2: key_id 2 stands in an earlier file",
    ]
    a_source(tmp_path, "simplified", ["cat", "dog"], drop_duplicates=False)
    kept = names(list(reading.read(tmp_path)))
    assert kept == [
        "cat/train/1",
        "cat/train/2",
        "cat/train/1:3",
        "dog/train/3",
        "dog/train/2:2",
        f"dog/train/{(1 << 64) - 1}",
    ]


def test_caps_take_the_first_and_stop_reading(tmp_path: Path, line: Callable[..., bytes]) -> None:
    lines = [line("simplified", key_id=key) for key in range(200)]
    path = a_file(tmp_path / "cat.ndjson", [*lines, b"never read"])
    everything = reading.read_file(path, "simplified", "cat", Options(valid_share=0.2, test_share=0.3))
    assert len(everything[0].rejects) == 1
    cap = {"train": 5, "valid": 2, "test": 3}
    options = Options(valid_share=0.2, test_share=0.3, cap=cap)
    capped = reading.read_file(path, "simplified", "cat", options)
    for whole, part in zip(everything, capped, strict=True):
        assert part.ids == whole.ids[: cap[part.split]]
        assert len(part.ids) == cap[part.split]
        assert not part.rejects
    half = reading.read_file(
        path, "simplified", "cat", Options(test_share=0.5, cap={"test": 4, "train": None})
    )
    assert [len(group.drawings) for group in half][1:] == [0, 4]
    assert len(half[0].drawings) > 50
    assert len(half[0].rejects) == 1


def test_binary_and_simplified_give_the_same_drawing(
    tmp_path: Path, line: Callable[..., bytes], binary_record: Callable[..., bytes]
) -> None:
    text = a_file(tmp_path / "cat.ndjson", [line("simplified", key_id=7)])
    data = a_file(tmp_path / "cat.bin", [binary_record(key_id=7)])
    (first, *_), (second, *_) = (
        reading.read_file(text, "simplified", "cat", Options()),
        reading.read_file(data, "binary", "cat", Options()),
    )
    assert first.ids == second.ids == ["cat/train/7"]
    assert (
        first.drawings[0].tolist()
        == second.drawings[0].tolist()
        == [[255, 0, 0], [0, 128, 1], [-204, -26, 0], [26, 0, 1]]
    )


def test_raw_gives_the_simplified_drawing(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = a_file(tmp_path / "cat.ndjson", [line("raw", key_id=7)])
    (group, *_) = reading.read_file(path, "raw", "cat", Options())
    assert group.drawings[0].dtype == np.int16
    assert group.drawings[0].tolist() == [[255, 0, 0], [0, 128, 1], [-204, -26, 0], [25, 0, 1]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: is empty; run `dvc repro -f download@sketches`"),
        (
            b"<html>\nno\n",
            "{path}: 0 of its first 2 lines are raw drawings; line 1: no valid JSON: Expecting value at character 1; "
            "is this file raw? fetch it again or choose another sketches.source",
        ),
    ],
)
def test_a_file_of_another_format(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        reading.read_file(path, "raw", "cat", Options())
    assert str(error.value) == message.format(path=path)


def test_a_file_of_mostly_rubbish_stops_early(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = a_file(tmp_path / "cat.ndjson", [line(), *[b"x"] * 5000])
    with pytest.raises(UserError) as error:
        reading.read_file(path, "raw", "cat", Options())
    assert "1 of its first 1,001 lines are raw drawings; line 2: no valid JSON" in str(error.value)


@pytest.mark.parametrize("form", ["raw", "simplified", "binary"])
def test_a_missing_file(tmp_path: Path, form: str) -> None:
    a_source(tmp_path, form, ["cat"])
    with pytest.raises(UserError) as error:
        list(reading.read(tmp_path))
    assert str(error.value) == f"{tmp_path / 'cat'}{reading.SUFFIX[form]}: no such file"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"format": "jpeg"},
            'unknown format "jpeg"; allowed: npz, tutorial, raw, simplified, binary; '
            "run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"colour": 1}},
            "holds options that this version does not know; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"test_share": 1}},
            "holds options that this version does not know; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"test_share": "x"}},
            "holds options that this version does not know; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"cap": {"dev": 1}}},
            "holds options that this version does not know; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": [1]},
            "holds options that this version does not know; run `dvc repro -f download@sketches`",
        ),
    ],
)
def test_a_damaged_record(tmp_path: Path, record: dict[str, Any], message: str) -> None:
    (tmp_path / "source.json").write_text(
        json.dumps({"source": "x", "format": "raw", "classes": ["cat"]} | record)
    )
    with pytest.raises(UserError) as error:
        list(reading.read(tmp_path))
    assert str(error.value) == f"{tmp_path / 'source.json'}: {message}"


def test_npz_is_read_as_before(shared: Path, tmp_path: Path) -> None:
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", tmp_path / "ant.npz")
    record = {
        "source": "quickdraw",
        "classes": ["ant"],
        "files": {},
        "cap": {"train": 5, "valid": None, "test": 7},
    }
    (tmp_path / "source.json").write_text(json.dumps(record))
    ours, theirs = list(reading.read(tmp_path)), list(npz.read_drawings(tmp_path))
    assert [(group.label, group.split, len(group.drawings)) for group in ours] == [
        (label, split, len(drawings)) for label, split, drawings in theirs
    ]
    assert [len(group.drawings) for group in ours] == [5, 50, 7]
    assert ours[2].ids[:2] == ["ant/test/0", "ant/test/1"]
    assert all(
        np.array_equal(a, b)
        for group, (_, _, drawings) in zip(ours, theirs, strict=True)
        for a, b in zip(group.drawings, drawings, strict=True)
    )


def test_the_tutorial_by_class_and_split(shared: Path, tmp_path: Path) -> None:
    for path in (shared / "quickdraw_tutorial").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    every = [
        "airplane",
        "bicycle",
        "calculator",
        "camera",
        "cat",
        "computer",
        "crayon",
        "dragon",
        "eye",
        "guitar",
    ]
    every += ["headphones", "map", "paint can", "paintbrush", "television"]
    a_source(tmp_path, "tutorial", every, valid_share=0.1)
    groups = list(reading.read(tmp_path))
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.split] += len(group.drawings)
        assert not group.rejects
    assert counts["test"] == 1500
    assert counts["train"] + counts["valid"] == 6000
    assert abs(counts["valid"] - 600) < 80
    assert len(set(names(groups))) == 7500
    a_source(tmp_path, "tutorial", ["cat"], valid_share=0.1, cap={"train": 10, "valid": None, "test": 3})
    capped = list(reading.read(tmp_path))
    assert {group.label for group in capped} == {"cat"}
    assert (
        names([g for g in capped if g.split == "test"])
        == names([g for g in groups if g.split == "test" and g.label == "cat"])[:3]
    )
    assert len(names([g for g in capped if g.split == "train"])) == 10
