"""Classifiers of videos, and what they say of the same frames in another order."""

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

from strokecast.evaluation import leaderboard, page
from strokecast.evaluation.classify import report as classify_report
from strokecast.evaluation.common.trainings import roster
from strokecast.evaluation.watch import predictions as watch_predictions
from strokecast.features.records import reading
from strokecast.features.sketches import watch
from strokecast.params import ModelEntry, WatchEvaluation, WatchFeatures

SETTINGS = WatchFeatures(frames=4, height=12, width=12, steps_per_frame=3)


@pytest.fixture
def made(tmp_path: Path) -> SimpleNamespace:
    """Eight sketches a split as `preprocess@watch` writes them."""
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


def built(name: str, spec: dict[str, Any]) -> Any:
    from strokecast.models.common import registry

    architecture = registry.get("watch", name)
    return architecture.build(architecture.testing, spec)


def test_every_input_follows_the_frames(made: SimpleNamespace) -> None:
    order = watch_predictions.order("shuffled", 8, 4, seed=3)
    assert (np.sort(order, axis=1) == np.arange(4)).all()
    assert len(np.unique(order, axis=0)) > 1, "each drawing has its own order"
    np.testing.assert_array_equal(order, watch_predictions.order("shuffled", 8, 4, seed=3))
    out = watch_predictions.reordered(made.inputs, order)
    for row in range(8):
        np.testing.assert_array_equal(out["frames"][row], made.inputs["frames"][row][order[row]])
        steps = made.inputs["track"][row].reshape(4, 3, 3)[order[row]]
        np.testing.assert_array_equal(out["track"][row], steps.reshape(12, 3))
    ink = out["frames"].astype(np.float32) / 255
    np.testing.assert_allclose(out["motion"], np.diff(ink, axis=1, prepend=np.float32(0)), atol=1e-6)
    backwards = watch_predictions.order("reversed", 8, 4, seed=3)
    np.testing.assert_array_equal(
        watch_predictions.reordered(made.inputs, backwards)["frames"], made.inputs["frames"][:, ::-1]
    )


@pytest.mark.parametrize(("name", "blind"), [("frame_average", True), ("cnn_rnn", False)])
def test_a_network_that_is_blind_to_order_says_the_same(
    made: SimpleNamespace, name: str, blind: bool
) -> None:
    network = built(name, made.spec)
    given = {"frames": made.inputs["frames"]}
    plain = network(given, training=False).numpy()
    for kind in watch_predictions.ORDERS:
        order = watch_predictions.order(kind, 8, 4, seed=0)
        changed = network(watch_predictions.reordered(given, order), training=False).numpy()
        assert (np.abs(changed - plain).max() < 1e-5) == blind


def test_collected_figures_reach_the_reports(
    made: SimpleNamespace, train: Callable[..., Path], tmp_path: Path
) -> None:
    import keras

    for name in ("frame_average", "cnn_rnn", "two_stream"):
        folder = train("watch", name, dataset={"digest": made.spec["digest"]})
        network = built(name, made.spec)
        if (
            name == "cnn_rnn"
        ):  # instead, one that looks at the last frame alone: zebra where there is little ink
            frames = keras.Input((4, 12, 12), dtype="uint8", name="frames")
            last = keras.layers.Flatten()(
                keras.layers.Cropping1D((3, 0))(keras.layers.Reshape((4, 144))(frames))
            )
            head = keras.layers.Dense(2)
            network = keras.Model({"frames": frames}, head(last))
            head.set_weights([np.stack([np.zeros(144), np.ones(144)], axis=1), np.array([9_000.0, 0.0])])
        network.save(folder / "model.keras")
    entries = {name: ModelEntry() for name in ("frame_average", "cnn_rnn", "two_stream")}
    found = roster("watch", entries, tmp_path / "models")
    test, chances, further = watch_predictions.collect(found, made.folder, made.spec, seed=0)
    assert (test.labels == made.labels).all()
    assert test.lengths.tolist() == [3, 20, 9, 30, 5, 18, 40, 7]
    accuracy = {key: float((said.argmax(axis=1) == test.labels).mean()) for key, said in chances.items()}
    blind = ("frame_average", 1)
    assert further[blind] == {
        "accuracy_reversed": accuracy[blind],
        "accuracy_shuffled": accuracy[blind],
    }
    first = made.inputs["frames"][:, 0].reshape(8, -1).astype(float).sum(axis=1) > 9_000
    assert further["cnn_rnn", 1]["accuracy_reversed"] == (first == test.labels).mean()

    report = tmp_path / "reports/watch"
    report.mkdir(parents=True)
    settings = WatchEvaluation(resamples=100)
    line = classify_report.write(
        report, found, test, chances, made.spec["classes"], "made", settings, task="watch", further=further
    )
    assert "3 models" in line
    metrics = json.loads((report / "metrics.json").read_text())
    assert set(further[blind]) <= set(metrics["two_stream"])
    logged = json.loads((report / "trainings.json").read_text())["id-watch-frame_average-1"]["metrics"]
    assert logged["test/accuracy_shuffled"] == pytest.approx(accuracy[blind], rel=1e-5)
    (board,) = leaderboard.read(tmp_path / "reports", ["watch"])
    assert {"reversed %", "shuffled %"} < set(board.header)
    assert all(len(row) == len(board.header) for row in board.rows)
    page.write(tmp_path / "index.html", tmp_path / "reports", [board], [])
    assert "in another order" in (tmp_path / "index.html").read_text()
