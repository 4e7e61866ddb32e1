"""Videos through TFRecords and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.features.records import reading, spec
from strokecast.features.runners import local
from strokecast.features.sketches import frames, watch
from strokecast.params import Preprocess, WatchFeatures

SETTINGS = WatchFeatures(frames=3, height=8, width=10, steps_per_frame=2)


@pytest.fixture
def made(validated_sketches: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    return tmp_path / "out", watch.preprocess(validated_sketches, tmp_path / "out", SETTINGS)


def test_records_hold_what_was_rendered(made: tuple, validated_sketches: Path) -> None:
    folder, told = made
    assert spec.load(folder, "watch") == told == json.loads((folder / "spec.json").read_text())
    assert (told["classes"], told["counts"]) == (["zebra", "apple"], {"train": 12, "valid": 4, "test": 6})
    layout = frames.Layout.from_spec(told)
    seen = 0
    for split in told["files"]:
        table = pq.read_table(validated_sketches / f"{split}.parquet").to_pylist()
        rows = {row["id"]: row for row in table}
        names = ["frames", "track", "motion", "length"]
        for inputs, labels, ids in reading.batches(folder, told, split, 5, names):
            assert set(inputs) == set(names)
            for at, (label, name) in enumerate(zip(labels.numpy(), ids.numpy(), strict=True)):
                row = rows[name.decode()]
                points = np.array(row["points"], np.float32).reshape(-1, 3)
                video, track = frames.render_videos(points, np.array([[0, len(points)]]), layout)
                np.testing.assert_array_equal(inputs["frames"][at], video[0])
                np.testing.assert_array_equal(inputs["track"][at], track[0])
                change = np.diff(video[0].astype(np.float32), axis=0, prepend=np.float32(0)) / 255
                np.testing.assert_allclose(inputs["motion"][at], change, atol=1e-6)
                assert (told["classes"][label], inputs["length"][at]) == (row["label"], row["length"])
                seen += 1
    assert seen == 22


def test_a_network_is_given_no_more_than_it_reads(made: tuple) -> None:
    folder, told = made
    for names in (["frames"], ["track"], ["motion"]):
        (first, *_) = reading.batches(folder, told, "train", 4, names)
        assert set(first[0]) == set(names)


def test_neither_workers_nor_slices_change_a_byte(
    made: tuple, validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, told = made
    monkeypatch.setattr(watch, "SLICE", 5)
    monkeypatch.setattr(local, "POOL_FROM", 2)
    again = watch.preprocess(validated_sketches, tmp_path / "pool", SETTINGS, Preprocess(workers=2))
    assert again == told
    assert digest_tree(tmp_path / "pool") == digest_tree(folder)


def test_several_files_hold_each_drawing_once(
    validated_sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_OVERHEAD", 300_000)
    monkeypatch.setattr(watch, "SLICE", 5)
    told = watch.preprocess(
        validated_sketches, tmp_path / "out", SETTINGS.model_copy(update={"shard_megabytes": 1})
    )
    assert len(told["files"]["train"]) == 4
    ids = [name for *_, keys in reading.batches(tmp_path / "out", told, "train", 7) for name in keys.numpy()]
    assert len(set(ids)) == len(ids) == 12


def test_time_that_is_not_there_is_told_in_one_line(validated_sketches: Path, tmp_path: Path) -> None:
    timed = SETTINGS.model_copy(update={"by": "time"})
    with pytest.raises(UserError, match=r"features\.watch\.by: .* hold no time.*quickdraw_raw"):
        watch.preprocess(validated_sketches, tmp_path / "out", timed)
    assert not (tmp_path / "out").exists()
