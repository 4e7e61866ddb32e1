"""Raw to simplified: against the official simplified drawings, with time, and what is rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.sources.formats import ndjson, simplify
from strokecast.sources.formats.records import Drawing, RejectedError

CLASSES = ("airplane", "circle", "t-shirt", "camouflage", "The Eiffel Tower")


def official_pairs(shared: Path) -> list[tuple[Drawing, Drawing]]:
    pairs = []
    for word in CLASSES:
        by_key = [
            {
                item.key_id: item
                for item in ndjson.read(shared / f"quickdraw/full/{variant}/{word}.ndjson", variant)
                if isinstance(item, Drawing)
            }
            for variant in ("raw", "simplified")
        ]
        pairs += [(by_key[0][key], by_key[1][key]) for key in by_key[0] if key in by_key[1]]
    return pairs


def test_raw_drawings_convert_to_the_official_simplified_ones(shared: Path) -> None:
    pairs = official_pairs(shared)
    assert len(pairs) == 109
    equal = close = 0
    for raw, official in pairs:
        ours = [stroke[:2] for stroke in simplify.simplify(raw.strokes)]
        same_counts = [s.shape for s in ours] == [s.shape for s in official.strokes]
        equal += same_counts
        close += same_counts and all(
            np.abs(a - b).max() <= 1 for a, b in zip(ours, official.strokes, strict=True)
        )
    assert equal / len(pairs) >= 0.94, f"{equal} of {len(pairs)} have equal point counts"
    assert close / len(pairs) >= 0.92, f"{close} of {len(pairs)} match within 1 px"


def test_kept_points_keep_their_time() -> None:
    """A right angle with sides of 100 px, drawn at two speeds: the corner keeps its time."""
    stroke = np.array([[0.0, 50, 100, 100], [0, 0, 0, 100], [0, 400, 800, 1_000]])
    (simplified,) = simplify.simplify([stroke])
    np.testing.assert_allclose(simplified, [[0, 255, 255], [0, 0, 255], [0, 800, 1_000]], atol=1e-9)
    (without_time,) = simplify.simplify([stroke[:2]])
    np.testing.assert_array_equal(without_time, simplified[:2])


@pytest.mark.parametrize(
    ("strokes", "kind", "detail"),
    [
        ([[[7.0], [7.0]]], "no_extent", "all points of the drawing are equal"),
        ([[[7.0, 7.0], [1.0, 1.0]], [[7.0], [1.0]]], "no_extent", "all points of the drawing are equal"),
        (
            [[[0.0, 1.0] * 200, [0.0, 0.0] * 200]],
            "too_big",
            "the strokes are 101,745 px long in a box of 255 px, more than 50,000",
        ),
    ],
)
def test_drawings_without_extent_or_of_huge_length_are_rejected(strokes: Any, kind: str, detail: str) -> None:
    with pytest.raises(RejectedError) as error:
        simplify.simplify([np.array(stroke) for stroke in strokes])
    assert (error.value.kind, error.value.detail) == (kind, detail)
