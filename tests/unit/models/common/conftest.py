"""Batches of simple drawings for models without a network."""

import numpy as np
import pytest

from strokecast.models.common.estimators import Batch


def circle(points: int, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points)
    positions = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    moves = np.diff(positions, axis=0, prepend=positions[:1])
    return np.column_stack([moves, np.arange(points) == points - 1]).astype(np.float32)


def line(points: int, length: float) -> np.ndarray:
    moves = np.full((points, 2), (length / points, 0.0))
    return np.column_stack([moves, np.arange(points) == points - 1]).astype(np.float32)


def padded(drawings: list[np.ndarray], labels: list[int], padding: int = 0) -> Batch:
    length = np.array([len(drawing) for drawing in drawings])
    strokes = np.zeros((len(drawings), length.max() + padding, 3), np.float32)
    for row, drawing in enumerate(drawings):
        strokes[row, : len(drawing)] = drawing
    return strokes, length, np.array(labels)


@pytest.fixture(scope="session")
def circle_and_line() -> Batch:
    """A circle of radius 2 with 40 points, and a line of length 3 with 10 points."""
    return padded([circle(40, 2.0), line(10, 3.0)], [0, 1], padding=3)


@pytest.fixture(scope="session")
def batches() -> list[Batch]:
    """Two batches of 20 drawings with different padding: circles are class 0, lines class 1."""
    rng = np.random.default_rng(0)
    result = []
    for padding in (0, 5):
        drawings = [shape(int(rng.integers(8, 20)), rng.uniform(1, 3)) for shape in (circle, line) * 10]
        result.append(padded(drawings, [0, 1] * 10, padding))
    return result


@pytest.fixture(scope="session")
def two_lines() -> Batch:
    """Five drawings of class 2, each of two lines."""
    drawings = [np.concatenate([line(9, 2.0), [[-2, 1, 0]], line(9, 2.0)]) for _ in range(5)]
    return padded([drawing.astype(np.float32) for drawing in drawings], [2] * 5)
