"""Drawings that are validated in batches give the same files as in one batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.params import SketchQuality
from strokecast.sources.formats.reading import Group
from strokecast.sources.formats.records import Reject
from strokecast.validation import data_docs
from strokecast.validation.sketches import duplicates, table
from strokecast.validation.sketches.source import SketchSource
from strokecast.validation.sketches.spool import Spools
from strokecast.validation.sketches.validate import validate_sketches

SPLITS = ("train", "valid", "test")
REJECT_KINDS = ("not_json", "duplicate_key", "not_recognized", "bad_shape")
ALL_WARN = dict.fromkeys(("too_short", "too_long", "huge_delta", "bad_pen", "open_end", "duplicate"), "warn")


def random_drawing(rng: np.random.Generator, groups: list[Group]) -> np.ndarray:
    """A drawing with one or two faults, or a copy of a drawing of `groups`, or without a fault."""
    drawing = rng.integers(-40, 40, (3 + int(rng.integers(0, 20)), 3)).astype(np.float64)
    drawing[:, 2] = 0
    drawing[-1, 2] = 1
    fault = int(rng.integers(0, 14))
    if fault in (0, 1):
        drawing = drawing[:fault]
    elif fault == 2:
        drawing = np.tile(drawing, (400, 1))
    elif fault in (3, 4):
        drawing[1, fault - 3] = np.nan if fault == 3 else 5000 + rng.random()
    elif fault == 5:
        drawing[-1, 2], drawing[0, 0] = rng.choice([0, 0.5]), rng.choice([1, 9000])
    elif fault in (6, 7) and groups:
        drawing = groups[int(rng.integers(len(groups)))].drawings[int(rng.integers(12))].copy()
    return drawing


def faulty_groups(with_names: bool) -> list[Group]:
    """Drawings with every fault, and rejected records; ids from names or from the order."""
    rng = np.random.default_rng(0)
    groups: list[Group] = []
    for half in (0, 1):
        for label in ("crab", "ice cream"):
            for split in SPLITS:
                drawings = [random_drawing(rng, groups) for _ in range(12)]
                prefix = f"é{half}:" if with_names else ""
                ids = [f"{label}/{split}/{prefix}{index}" for index in range(12)]
                rejects = [
                    Reject(
                        "crab.ndjson",
                        "line",
                        100 * len(groups) + n,
                        REJECT_KINDS[int(rng.integers(4))],
                        "why",
                    )
                    for n in range(int(rng.integers(0, 9)))
                ]
                groups.append(Group(label, split, drawings, ids, rejects))
    return groups


def run(groups: list[Group], folder: str, **settings: Any) -> list[Any]:
    """The message and the digests of all files of a run."""
    target = Path(folder) / "sketches"
    source = SketchSource("memory", ("ice cream", "crab"))
    quality = SketchQuality.model_validate({"max_quarantined": 1.0, "missing_class": "warn", **settings})
    try:
        message = validate_sketches(lambda: iter(groups), source, quality, None, target).line
    except UserError as error:
        message = str(error)
    assert not list(target.parent.glob(".*"))
    docs = data_docs.folder("sketches")
    rejected = docs / "rejected.csv"
    return [
        message,
        files.digest_tree(target) if target.exists() else None,
        files.sha256(docs / "report.json"),
        files.sha256(docs / "worst.svg"),
        rejected.read_text() if rejected.exists() else None,
    ]


@pytest.mark.parametrize("with_names", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in (ALL_WARN, {"duplicate": "stop"}, {"max_quarantined": 0.1})
        ),
    ],
    ids=str,
)
def test_batches_write_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, with_names: bool, settings: dict[str, Any]
) -> None:
    expected = run(faulty_groups(with_names), "one_batch", **settings)
    monkeypatch.setattr(table, "BATCH_SIZE", 97)
    monkeypatch.setattr(table, "CHUNK_SIZE", 5)
    monkeypatch.setattr(duplicates, "BUCKET_SIZE", 16)
    monkeypatch.setattr(duplicates, "_SPOOL_MEMORY", 1)
    monkeypatch.setattr(Spools.new, "__defaults__", (1,))
    assert run(faulty_groups(with_names), "batches", **settings) == expected
    assert "/" in expected[0] or "quarantined" in expected[0]


@pytest.mark.slow
def test_batches_select_the_same_extreme_drawings(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(groups, "one_batch")
    assert expected[0] == "36 read: 36 accepted, 0 quarantined"
    monkeypatch.setattr(table, "BATCH_SIZE", 20)
    assert run(groups, "batches") == expected
