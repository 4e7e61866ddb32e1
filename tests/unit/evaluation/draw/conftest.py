"""Real drawings of three classes, and hand-made results of models that draw."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.draw.metrics import DrawingGrid, GenerationResult, Likelihood, RealDrawings
from strokecast.evaluation.draw.report import write_report
from strokecast.params import DrawEvaluation, ModelEntry

CLASSES = ["ant", "bed", "the Eiffel tower"]


def random_drawing(seed: int, n: int = 6) -> np.ndarray:
    """A drawing of n points and two strokes, float32 [n, 3]."""
    random = np.random.default_rng(seed)
    points = np.c_[random.normal(size=(n, 2)), np.zeros(n)].astype(np.float32)
    points[[n // 2, -1], 2] = 1
    return points


@pytest.fixture(scope="session")
def draw_spec() -> dict:
    """The spec of draw's data."""
    return {"classes": CLASSES, "scale": 7.0, "max_points": 9, "source": "doodles", "digest": "d1"}


@pytest.fixture(scope="session")
def draw_settings() -> DrawEvaluation:
    """20 drawings per class at two temperatures."""
    return DrawEvaluation(samples=20, resamples=200, temperatures=(0.1, 1.0))


@pytest.fixture(scope="session")
def make_drawing() -> Callable[..., np.ndarray]:
    """Function that makes a random drawing from a seed."""
    return random_drawing


@pytest.fixture(scope="session")
def real() -> RealDrawings:
    """Five drawings per class."""
    return RealDrawings(np.arange(15) % 3, [random_drawing(seed) for seed in range(15)])


@pytest.fixture
def draw_inputs(train, tmp_path, real, draw_spec, draw_settings) -> SimpleNamespace:
    """`free` is unconditional; `poor` and `good` (two seeds) are conditional."""
    train("draw", "free")
    train("draw", "poor")
    train("draw", "good")
    train("draw", "good", seed=2)
    entries = {"free": ModelEntry(), "poor": ModelEntry(), "good": ModelEntry(seeds=(1, 2))}
    expected = [name for name in CLASSES for _ in range(draw_settings.samples)]
    grid = DrawingGrid("title", ["ant"], ["1"], [[random_drawing(1)]])

    def result(errors: int | None, reconstruction: float) -> GenerationResult:
        predicted = None if errors is None else ["bed"] * errors + expected[errors:]
        likelihood = Likelihood(np.full(15, reconstruction), np.full(15, 0.5), np.full(15, 0.1))
        return GenerationResult(likelihood, likelihood, predicted, {"samples": grid})

    return SimpleNamespace(
        trained_models=find_trained_models("draw", entries, tmp_path / "models"),
        test=real,
        real_predicted=["bed", *(CLASSES[label] for label in real.labels[1:])],
        results={
            ("free", 1): result(None, 0.1),
            ("poor", 1): result(30, 1.0),
            ("good", 1): result(3, 2.0),
            ("good", 2): result(6, 3.0),
        },
        spec=draw_spec,
        judge="gru",
        settings=draw_settings,
        attribution="Drawings by people.",
    )


@pytest.fixture
def write_draw_report(draw_inputs) -> Callable[..., str]:
    """Function that writes the report of draw to a folder and returns its outcome."""
    return lambda folder, **changes: write_report(folder, **{**vars(draw_inputs), **changes})
