"""The scale of drawings: the standard deviation of all training moves."""

import numpy as np
import pytest

from strokecast.features.records import scaling
from strokecast.features.records.scaling import stroke_moments, stroke_scale

POINTS = np.array([[10, -20, 0], [4, 2, 1], [0, 8, 0], [6, 6, 1]], np.int16)


def test_moments_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).integers(-500, 500, size=(1000, 3)).astype(np.float32)
    moments = stroke_moments(points)
    monkeypatch.setattr(scaling, "_BLOCK", 7)
    assert stroke_moments(points) == moments
    moves = points[:, :2].astype(np.float64)
    assert moments == (2000, moves.sum(), np.square(moves).sum())


def test_scale_is_the_standard_deviation_of_all_moves() -> None:
    chunks = [POINTS, POINTS[:2] * 3]
    moves = np.concatenate([chunk[:, :2].ravel() for chunk in chunks]).astype(float)
    assert stroke_scale(map(stroke_moments, chunks)) == pytest.approx(np.std(moves), rel=1e-12)


@pytest.mark.parametrize("chunks", [[], [np.array([[0, 0, 1], [0, 0, 1]])]])
def test_drawings_that_do_not_move_have_no_scale(chunks: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="no scale to fit"):
        stroke_scale(map(stroke_moments, chunks))
