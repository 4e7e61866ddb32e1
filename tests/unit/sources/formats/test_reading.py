"""From a downloaded folder to drawings by class and split: none lost, none counted twice."""

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
from strokecast.sources.formats.reading import Group, ReadOptions


def write_lines(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines))
    return path


def write_source(folder: Path, variant: str, classes: list[str], **options: Any) -> None:
    record = {"source": "test", "format": variant, "classes": classes, "files": {}, "options": options}
    (folder / "source.json").write_text(json.dumps(record))


def ids_of(groups: list[Group]) -> list[str]:
    return [name for group in groups for name in group.ids]


def test_a_drawing_has_the_same_split_in_every_file_and_format(tmp_path: Path, shared: Path) -> None:
    options = ReadOptions(valid_share=0.2, test_share=0.2)
    raw = shared / "quickdraw/full/raw/circle.ndjson"
    lines = raw.read_bytes().splitlines()
    few = reading.read_file(write_lines(tmp_path / "few.ndjson", lines[30:10:-1]), "raw", "circle", options)
    all_groups = reading.read_file(raw, "raw", "circle", options)
    simplified = reading.read_file(
        shared / "quickdraw/full/simplified/circle.ndjson", "simplified", "circle", options
    )
    assert len(ids_of(few)) == 20
    assert set(ids_of(few)) < set(ids_of(all_groups))
    keys = {name.rsplit("/")[-1] for name in ids_of(all_groups)}
    both = [name for name in ids_of(simplified) if name.rsplit("/")[-1] in keys]
    assert len(both) == 25
    assert set(both) < set(ids_of(all_groups))


def test_every_line_is_a_drawing_or_a_reject(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    lines = [
        ndjson_line(key_id=1),
        b"oops",
        ndjson_line(key_id=2, recognized=False),
        ndjson_line(key_id=1),
        ndjson_line(key_id=3, word="dog"),
        ndjson_line(key_id=4, drawing=[[[5, 5], [5, 5], [0, 9]]]),
        ndjson_line(key_id=5),
    ]
    path = write_lines(tmp_path / "cat.ndjson", lines)
    groups = reading.read_file(path, "raw", "cat", ReadOptions(recognized_only=True))
    assert [(group.label, group.split) for group in groups] == [("cat", split) for split in npz.SPLITS]
    assert groups[0].ids == ["cat/train/1", "cat/train/5"]
    assert [str(reject) for reject in groups[0].rejects] == [
        "cat.ndjson, line 2: invalid JSON: Expecting value at character 1",
        "cat.ndjson, line 3: the game did not recognise it (recognized_only)",
        "cat.ndjson, line 4: an earlier drawing of this file has key_id 1",
        "cat.ndjson, line 5: word is \"dog\", not 'cat'",
        "cat.ndjson, line 6: all points of the drawing are equal",
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


def test_unrecognised_drawings_are_kept_by_default(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = write_lines(
        tmp_path / "cat.ndjson", [ndjson_line(key_id=1), ndjson_line(key_id=2, recognized=False)]
    )
    assert ids_of(reading.read_file(path, "raw", "cat", ReadOptions())) == ["cat/train/1", "cat/train/2"]
    assert ids_of(reading.read_file(path, "raw", "cat", ReadOptions(recognized_only=True))) == ["cat/train/1"]


def test_duplicates_by_key_id_are_found_across_files(
    tmp_path: Path, ndjson_line: Callable[..., bytes]
) -> None:
    write_lines(tmp_path / "cat.ndjson", [ndjson_line("simplified", key_id=key) for key in (1, 2, 1)])
    write_lines(
        tmp_path / "dog.ndjson",
        [ndjson_line("simplified", key_id=key, word="dog") for key in (3, 2, (1 << 64) - 1)],
    )
    write_source(tmp_path, "simplified", ["cat", "dog"])
    groups = list(reading.read(tmp_path))
    assert ids_of(groups) == ["cat/train/1", "cat/train/2", "dog/train/3", f"dog/train/{(1 << 64) - 1}"]
    assert [str(reject) for group in groups for reject in group.rejects] == [
        "cat.ndjson, line 3: an earlier drawing of this file has key_id 1",
        "dog.ndjson, line 2: a drawing of an earlier file has key_id 2",
    ]
    write_source(tmp_path, "simplified", ["cat", "dog"], drop_duplicates=False)
    ids = ids_of(list(reading.read(tmp_path)))
    assert ids == [
        "cat/train/1",
        "cat/train/2",
        "cat/train/1:3",
        "dog/train/3",
        "dog/train/2:2",
        f"dog/train/{(1 << 64) - 1}",
    ]


def test_caps_keep_the_first_drawings_and_stop_the_reading(
    tmp_path: Path, ndjson_line: Callable[..., bytes]
) -> None:
    lines = [ndjson_line("simplified", key_id=key) for key in range(200)]
    path = write_lines(tmp_path / "cat.ndjson", [*lines, b"never read"])
    uncapped = reading.read_file(path, "simplified", "cat", ReadOptions(valid_share=0.2, test_share=0.3))
    assert len(uncapped[0].rejects) == 1
    cap = {"train": 5, "valid": 2, "test": 3}
    options = ReadOptions(valid_share=0.2, test_share=0.3, cap=cap)
    capped = reading.read_file(path, "simplified", "cat", options)
    for full, part in zip(uncapped, capped, strict=True):
        assert part.ids == full.ids[: cap[part.split]]
        assert len(part.ids) == cap[part.split]
        assert not part.rejects
    partly = reading.read_file(
        path, "simplified", "cat", ReadOptions(test_share=0.5, cap={"test": 4, "train": None})
    )
    assert [len(group.drawings) for group in partly][1:] == [0, 4]
    assert len(partly[0].drawings) > 50
    assert len(partly[0].rejects) == 1


def test_binary_and_simplified_give_the_same_drawing(
    tmp_path: Path, ndjson_line: Callable[..., bytes], binary_record: Callable[..., bytes]
) -> None:
    text = write_lines(tmp_path / "cat.ndjson", [ndjson_line("simplified", key_id=7)])
    data = write_lines(tmp_path / "cat.bin", [binary_record(key_id=7)])
    (first, *_), (second, *_) = (
        reading.read_file(text, "simplified", "cat", ReadOptions()),
        reading.read_file(data, "binary", "cat", ReadOptions()),
    )
    assert first.ids == second.ids == ["cat/train/7"]
    assert (
        first.drawings[0].tolist()
        == second.drawings[0].tolist()
        == [[255, 0, 0], [0, 128, 1], [-204, -26, 0], [26, 0, 1]]
    )


def test_raw_gives_the_simplified_drawing(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = write_lines(tmp_path / "cat.ndjson", [ndjson_line("raw", key_id=7)])
    (group, *_) = reading.read_file(path, "raw", "cat", ReadOptions())
    assert group.drawings[0].dtype == np.int16
    assert group.drawings[0].tolist() == [[255, 0, 0], [0, 128, 1], [-204, -26, 0], [25, 0, 1]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: is empty; run `dvc repro -f download@sketches`"),
        (
            b"<html>\nno\n",
            "{path}: 0 of the first 2 lines are raw drawings; line 1: invalid JSON: Expecting value at character 1; "
            "if this is not a raw file, fetch it again or choose another sketches.source",
        ),
    ],
)
def test_a_file_of_another_format(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        reading.read_file(path, "raw", "cat", ReadOptions())
    assert str(error.value) == message.format(path=path)


def test_a_file_of_mostly_bad_lines_stops_early(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = write_lines(tmp_path / "cat.ndjson", [ndjson_line(), *[b"x"] * 5000])
    with pytest.raises(UserError) as error:
        reading.read_file(path, "raw", "cat", ReadOptions())
    assert "1 of the first 1,001 lines are raw drawings; line 2: invalid JSON" in str(error.value)


@pytest.mark.parametrize("variant", ["raw", "simplified", "binary"])
def test_a_missing_file(tmp_path: Path, variant: str) -> None:
    write_source(tmp_path, variant, ["cat"])
    with pytest.raises(UserError) as error:
        list(reading.read(tmp_path))
    assert str(error.value) == f"{tmp_path / 'cat'}{reading.SUFFIXES[variant]}: no such file"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"format": "jpeg"},
            'unknown format "jpeg"; allowed: npz, tutorial, kaggle, raw, simplified, binary; '
            "run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"colour": 1}},
            "contains options that this version does not support; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"test_share": 1}},
            "contains options that this version does not support; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"test_share": "x"}},
            "contains options that this version does not support; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": {"cap": {"dev": 1}}},
            "contains options that this version does not support; run `dvc repro -f download@sketches`",
        ),
        (
            {"options": [1]},
            "contains options that this version does not support; run `dvc repro -f download@sketches`",
        ),
    ],
)
def test_a_bad_source_json(tmp_path: Path, record: dict[str, Any], message: str) -> None:
    (tmp_path / "source.json").write_text(
        json.dumps({"source": "x", "format": "raw", "classes": ["cat"]} | record)
    )
    with pytest.raises(UserError) as error:
        list(reading.read(tmp_path))
    assert str(error.value) == f"{tmp_path / 'source.json'}: {message}"


def test_npz_files_are_read_class_by_class_and_capped(
    tmp_path: Path, drawings: dict[str, list[np.ndarray]]
) -> None:
    for label in ("cat", "bear"):
        npz.write_class(tmp_path / f"{label}.npz", drawings)
    record = {
        "source": "quickdraw",
        "classes": ["cat", "bear"],
        "cap": {"train": 4, "valid": None, "test": 1},
    }
    (tmp_path / "source.json").write_text(json.dumps(record))
    groups = list(reading.read(tmp_path))
    assert [(group.label, group.split, len(group.drawings)) for group in groups] == [
        (label, split, count)
        for label in ("cat", "bear")
        for split, count in (("train", 4), ("valid", 2), ("test", 1))
    ]
    assert groups[0].ids == [f"cat/train/{index}" for index in range(4)]
    for group in groups:
        expected = drawings[group.split]
        assert all(np.array_equal(a, b) for a, b in zip(group.drawings, expected, strict=False))
        assert group.times is None
        assert not group.rejects


def test_a_real_npz_is_read_and_capped(shared: Path, tmp_path: Path) -> None:
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", tmp_path / "ant.npz")
    record = {"source": "quickdraw", "classes": ["ant"], "cap": {"train": 5, "valid": None, "test": 7}}
    (tmp_path / "source.json").write_text(json.dumps(record))
    groups = list(reading.read(tmp_path))
    assert [len(group.drawings) for group in groups] == [5, 50, 7]
    assert groups[2].ids[:2] == ["ant/test/0", "ant/test/1"]
    expected = npz.read_class(tmp_path / "ant.npz")
    for group in groups:
        capped = expected[group.split][: len(group.drawings)]
        assert all(np.array_equal(a, b) for a, b in zip(group.drawings, capped, strict=True))


def test_the_tutorial_by_class_and_split(shared: Path, tmp_path: Path) -> None:
    for path in (shared / "quickdraw_tutorial").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    classes = [
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
    classes += ["headphones", "map", "paint can", "paintbrush", "television"]
    write_source(tmp_path, "tutorial", classes, valid_share=0.1)
    groups = list(reading.read(tmp_path))
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.split] += len(group.drawings)
        assert not group.rejects
    assert counts["test"] == 1500
    assert counts["train"] + counts["valid"] == 6000
    assert abs(counts["valid"] - 600) < 80
    assert len(set(ids_of(groups))) == 7500
    write_source(tmp_path, "tutorial", ["cat"], valid_share=0.1, cap={"train": 10, "valid": None, "test": 3})
    capped = list(reading.read(tmp_path))
    assert {group.label for group in capped} == {"cat"}
    assert (
        ids_of([g for g in capped if g.split == "test"])
        == ids_of([g for g in groups if g.split == "test" and g.label == "cat"])[:3]
    )
    assert len(ids_of([g for g in capped if g.split == "train"])) == 10


def test_every_movement_of_real_raw_drawings_has_a_time(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "quickdraw/full/raw").glob("*.ndjson")):
        for group in reading.read_file(path, "raw", path.stem, reading.ReadOptions(valid_share=0.2)):
            assert group.times is not None
            assert list(map(len, group.times)) == list(map(len, group.drawings))
            for times in group.times:
                assert times[0] >= 0
                assert (np.diff(times) >= 0).all()
                assert times[-1] < 40_000  # the game gave 20 s
                count += 1
    assert count == 159


def test_formats_without_time_have_no_times(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(ndjson_line("simplified"))
    assert all(
        group.times is None for group in reading.read_file(path, "simplified", "cat", reading.ReadOptions())
    )
