"""Pen movements and their times."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from strokecast.sources.formats import ndjson, npz
from strokecast.sources.formats.records import Drawing
from strokecast.sources.formats.strokes3 import to_strokes3, to_times


def test_all_values_of_pen_movements() -> None:
    strokes = [np.array([[10, 13, 255], [20, 16, 0]]), np.array([[7], [7]]), np.array([[0, 0], [255, 255]])]
    rows = to_strokes3([stroke.astype(np.float64) for stroke in strokes])
    assert rows.dtype == np.int16
    assert rows.tolist() == [[3, -4, 0], [242, -16, 1], [-248, 7, 1], [-7, 248, 0], [0, 0, 1]]
    assert to_strokes3([np.array([[5.0], [5.0]])]).shape == (0, 3)


def test_pen_movements_follow_the_convention_of_the_npz_files(shared: Path) -> None:
    """The mirror's npz were simplified differently, but their strokes start and end at the same places."""
    manifest = json.loads((shared / "quickdraw/MANIFEST.json").read_text())
    compared = equal = 0
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
                    equal += ends[0].shape == ends[1].shape and np.abs(ends[0] - ends[1]).max() <= 2
    assert compared == 46
    assert equal >= 43


def test_times_start_at_the_first_point() -> None:
    strokes = [np.array([[0.0, 5], [0, 5], [1_000, 1_010.4]]), np.array([[9.0], [9], [1_500]])]
    times = to_times(strokes)
    assert times.dtype == np.int32
    assert times.tolist() == [10, 500]
    assert len(times) == len(to_strokes3(strokes))


def test_times_never_decrease_or_overflow() -> None:
    assert to_times([np.array([[0.0] * 4, [0] * 4, [0, 70, 20, 90]])]).tolist() == [70, 70, 90]
    assert to_times([np.array([[0.0] * 3, [0] * 3, [-1e15, 0, 1e15]])]).tolist() == [2**31 - 1] * 2
