"""The table of drawings: ids and duplicates, and memory use."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation.sampling import BottomKSample
from strokecast.validation.sketches import duplicates, rules, table
from strokecast.validation.sketches.spool import Spools
from strokecast.validation.sketches.table import DrawingTable
from strokecast.validation.sketches.tally import ValidationTally

SPLITS = ("train", "valid", "test")


@pytest.mark.parametrize("batch_size", [5, 100])
def test_duplicates_equal_a_plain_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    monkeypatch.setattr(table, "BATCH_SIZE", batch_size)
    monkeypatch.setattr(duplicates, "BUCKET_SIZE", 7)
    monkeypatch.setattr(duplicates, "_SPOOL_MEMORY", 1)
    rng = np.random.default_rng(1)
    classes = ["a", "b", "c"]
    contents: list[tuple[str, bytes]] = []
    with Spools(tmp_path) as spools:
        drawings = DrawingTable(classes, 2, spools)
        for label in (*classes, *classes):  # every class and split comes twice, as in tutorial shards
            for split in SPLITS:
                own = [np.array([[int(rng.integers(0, 12)), 1, 1]], dtype=np.int16) for _ in range(4)]
                ids = [f"{label}/{split}/{len(contents) + n}" for n in range(4)]
                contents += [(split, drawing.tobytes()) for drawing in own]
                drawings.add(Group(label, split, own, ids, []))
        n_checked = 0
        for start, frame in drawings.drawing_batches():
            assert start == n_checked
            for index, row in enumerate(frame.to_dict("records")):
                position = start + index
                split, content = contents[position]
                earlier = [
                    other
                    for other_split in SPLITS[: SPLITS.index(split) + 1]
                    for other, other_content in enumerate(contents)
                    if other_content == (other_split, content) and (other_split != split or other < position)
                ]
                within = sum(contents[other][0] == split for other in earlier)
                assert row["copies_within"] == within
                assert row["copies_across"] == len(earlier) - within
                if earlier:
                    assert drawings.first_copy(position) == drawings.name(earlier[0])
                label = (*classes, *classes)[position // 12]
                assert (row["label"], row["split"]) == (label, split)
                assert drawings.name(position) == f"{label}/{split}/{position}"
            n_checked += len(frame)
        assert n_checked == len(contents)


def test_there_must_be_one_id_per_drawing(tmp_path: Path, groups: list[Group]) -> None:
    with Spools(tmp_path) as spools, pytest.raises(ValueError, match="6 drawings, but 5 ids"):
        DrawingTable(["crab"], 2, spools).add(groups[0]._replace(ids=groups[0].ids[:5]))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_drawings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Great Expectations, four times the drawings take at most 1.2 times the memory."""
    for module, name in ((table, "BATCH_SIZE"), (duplicates, "BUCKET_SIZE"), (table, "CHUNK_SIZE")):
        monkeypatch.setattr(module, name, 250)
    monkeypatch.setattr(duplicates, "_SPOOL_MEMORY", 1)
    monkeypatch.setattr(Spools.new, "__defaults__", (1,))
    monkeypatch.setattr(BottomKSample.__init__, "__defaults__", (200,))
    drawing_rules = rules.drawing_rules(SketchQuality(), ["crab"])

    def peak_memory(n_groups: int) -> int:
        rng = np.random.default_rng(0)
        tracemalloc.start()
        with Spools(tmp_path) as spools:
            drawings = DrawingTable(["crab"], 2, spools)
            for number in range(n_groups):
                own = list(rng.integers(0, 99, (500, 4, 3)).astype(np.int16))
                ids = [f"crab/train/{number}:{index}" for index in range(500)]
                rejects = [Reject("crab.ndjson", "line", n, "not_json", "why") for n in range(200)]
                drawings.add(Group("crab", "train", own, ids, rejects))
            tally = ValidationTally(drawing_rules, drawings.labels, spools)
            for start, frame in drawings.drawing_batches():
                tally.add(start, frame, [np.arange(0, 250, 2), *[np.zeros(0, dtype=np.int64)] * 9])
            for _, records in drawings.record_batches():
                assert len(records) <= 250
            assert (tally.n_quarantined, tally.reason_counts) == (250 * n_groups, {"empty": 250 * n_groups})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_memory(1)  # imports and caches
    few, many = peak_memory(4), peak_memory(16)
    assert many < 1.2 * few
