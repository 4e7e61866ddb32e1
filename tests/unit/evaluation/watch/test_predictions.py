"""Predictions of classifiers of videos, also with reordered frames."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.evaluation.board import leaderboard, page
from strokecast.evaluation.classify.report import write_report
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.evaluation.watch.predictions import (
    ORIGINAL,
    REORDERED,
    frame_order,
    order_metrics,
    predict_test_split,
    reorder_frames,
)
from strokecast.features.records import reading
from strokecast.features.sketches import watch
from strokecast.params import ModelEntry, WatchEvaluation, WatchFeatures

SETTINGS = WatchFeatures(frames=4, height=12, width=12, steps_per_frame=3)


@pytest.fixture
def processed(tmp_path: Path) -> SimpleNamespace:
    """Eight sketches per split as `preprocess@watch` writes them."""
    validated = tmp_path / "validated"
    validated.mkdir()
    for split in ("train", "valid", "test"):
        lengths = [3, 20, 9, 30, 5, 18, 40, 7]
        points = [np.random.default_rng(n).integers(-9, 9, n * 3).astype(np.float32) for n in lengths]
        columns = {
            "id": [f"{split}/{i}" for i in range(8)],
            "label": ["zebra"] * 4 + ["apple"] * 4,
            "length": pa.array(lengths, pa.int32()),
            "points": pa.array(points, pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), validated / f"{split}.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "made"}))
    folder = tmp_path / "processed"
    spec = watch.preprocess(validated, folder, SETTINGS)
    names = ["frames", "track", "motion"]
    (batch,) = reading.batches(folder, spec, "test", 8, names)
    inputs = {name: values.numpy() for name, values in batch[0].items()}
    return SimpleNamespace(folder=folder, spec=spec, inputs=inputs, labels=batch[1].numpy())


def build(name: str, spec: dict[str, Any]) -> Any:
    from strokecast.models.common import registry

    architecture = registry.get("watch", name)
    return architecture.build(architecture.testing, spec)


def last_frame_network() -> Any:
    """A network that reads the last frame only and predicts zebra if it has little ink."""
    import keras

    frames = keras.Input((4, 12, 12), dtype="uint8", name="frames")
    last = keras.layers.Flatten()(keras.layers.Cropping1D((3, 0))(keras.layers.Reshape((4, 144))(frames)))
    head = keras.layers.Dense(2)
    network = keras.Model({"frames": frames}, head(last))
    head.set_weights([np.stack([np.zeros(144), np.ones(144)], axis=1), np.array([9_000.0, 0.0])])
    return network


def test_every_input_follows_the_frame_order(processed: SimpleNamespace) -> None:
    order = frame_order("shuffled", 8, 4, seed=3)
    assert (np.sort(order, axis=1) == np.arange(4)).all()
    assert len(np.unique(order, axis=0)) > 1, "each drawing has an order of its own"
    np.testing.assert_array_equal(order, frame_order("shuffled", 8, 4, seed=3))
    out = reorder_frames(processed.inputs, order)
    for row in range(8):
        np.testing.assert_array_equal(out["frames"][row], processed.inputs["frames"][row][order[row]])
        steps = processed.inputs["track"][row].reshape(4, 3, 3)[order[row]]
        np.testing.assert_array_equal(out["track"][row], steps.reshape(12, 3))
    ink = out["frames"].astype(np.float32) / 255
    np.testing.assert_allclose(out["motion"], np.diff(ink, axis=1, prepend=np.float32(0)), atol=1e-6)
    backwards = frame_order("reversed", 8, 4, seed=3)
    np.testing.assert_array_equal(
        reorder_frames(processed.inputs, backwards)["frames"], processed.inputs["frames"][:, ::-1]
    )


@pytest.mark.parametrize(("name", "ignores_order"), [("frame_average", True), ("cnn_rnn", False)])
def test_the_prediction_of_a_network_that_ignores_order_does_not_change(
    processed: SimpleNamespace, name: str, ignores_order: bool
) -> None:
    network = build(name, processed.spec)
    inputs = {"frames": processed.inputs["frames"]}
    plain = network(inputs, training=False).numpy()
    for kind in REORDERED:
        order = frame_order(kind, 8, 4, seed=0)
        changed = network(reorder_frames(inputs, order), training=False).numpy()
        assert (np.abs(changed - plain).max() < 1e-5) == ignores_order


@pytest.mark.usefixtures("without_figures")
@pytest.mark.slow
def test_order_metrics_reach_the_reports(
    processed: SimpleNamespace, train: Callable[..., Path], tmp_path: Path
) -> None:
    for name in ("frame_average", "cnn_rnn", "two_stream"):
        folder = train("watch", name, dataset={"digest": processed.spec["digest"]}, parameters=None)
        network = last_frame_network() if name == "cnn_rnn" else build(name, processed.spec)
        network.save(folder / "model.keras")
    entries = {name: ModelEntry() for name in ("frame_average", "cnn_rnn", "two_stream")}
    models = find_trained_models("watch", entries, tmp_path / "models")
    test, by_order = predict_test_split(models, processed.folder, processed.spec, seed=0)
    probabilities = by_order.pop(ORIGINAL)
    metrics_by_key = order_metrics(by_order, test.labels)
    assert (test.labels == processed.labels).all()
    assert test.lengths.tolist() == [3, 20, 9, 30, 5, 18, 40, 7]
    accuracy = {
        key: float((values.argmax(axis=1) == test.labels).mean()) for key, values in probabilities.items()
    }
    unordered = ("frame_average", 1)
    assert metrics_by_key[unordered] == {
        "accuracy_reversed": accuracy[unordered],
        "accuracy_shuffled": accuracy[unordered],
    }
    first = processed.inputs["frames"][:, 0].reshape(8, -1).astype(float).sum(axis=1) > 9_000
    assert metrics_by_key["cnn_rnn", 1]["accuracy_reversed"] == (first == test.labels).mean()

    report = tmp_path / "reports/watch"
    report.mkdir(parents=True)
    settings = WatchEvaluation(resamples=100)
    outcome = write_report(
        report,
        models,
        test,
        probabilities,
        processed.spec["classes"],
        "made",
        settings,
        task="watch",
        extra_metrics=metrics_by_key,
    )
    assert "3 models" in outcome
    metrics = json.loads((report / "metrics.json").read_text())
    assert set(metrics_by_key[unordered]) <= set(metrics["two_stream"])
    trainings = json.loads((report / "trainings.json").read_text())["id-watch-frame_average-1"]["metrics"]
    assert trainings["test/accuracy_shuffled"] == pytest.approx(accuracy[unordered], rel=1e-5)
    (table,) = leaderboard.read_tables(tmp_path / "reports", ["watch"])
    assert {"reversed %", "shuffled %"} < set(table.header)
    assert all(len(row) == len(table.header) for row in table.rows)
    page.write_page(tmp_path / "index.html", tmp_path / "reports", [table], [])
    assert "in another order" in (tmp_path / "index.html").read_text()
