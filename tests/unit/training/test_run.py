"""Whole trainings of tiny networks, and what they may open."""

import csv
import ctypes
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import spec
from strokecast.features.timeseries import origins
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, networks, split_predictions
from strokecast.params import ClassifyRecipe, ForecastRecipe, Recipe, Runtime
from strokecast.training import fitting, model_files, run
from strokecast.training.job import TrainingJob


def classify_recipe(**keys: Any) -> ClassifyRecipe:
    """A recipe without warm-up and augmentation, unless `keys` switches them on."""
    neutral = {"epochs": 20, "batch_size": 128, "learning_rate": 0.002, "warmup_epochs": 0}
    off = dict.fromkeys(("augment_scale", "augment_rotation", "augment_jitter", "augment_drop"), 0.0)
    return ClassifyRecipe(**{**neutral, **off, **keys})


GRU = {"units": 6, "layers": 1, "dropout": 0.2, "directions": False}
RECIPE = classify_recipe(epochs=4, batch_size=8, learning_rate=0.02)


def train(
    processed: Path,
    folder: Path,
    *,
    task: str = "classify",
    name: str = "gru",
    recipe: Recipe = RECIPE,
    **more: Any,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    config = more.pop("config", GRU)
    options = {"seed": 5, "device": "cpu", **more}
    job = TrainingJob.create(
        task, name, options["seed"], config, recipe, runtime=Runtime(device=options["device"])
    )
    facts = run.train_network(job, processed / task, folder, rows.append)
    return facts, rows


def test_a_training_learns_and_leaves_a_complete_folder(processed_data: Path, tmp_path: Path) -> None:
    facts, rows = train(processed_data, tmp_path)
    assert facts["kind"] == "network"
    assert facts["parameters"] == 3 * (6 * (2 * 5 + 6) + 2 * 6) + 7 * 2  # two points per step
    assert facts["device"] == "cpu"
    assert facts["examples_per_second"] > 0
    assert facts["train_seconds"] > 0
    assert rows[-1]["valid_accuracy"] >= 0.9
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    with (tmp_path / "history.csv").open() as file:
        stored = list(csv.DictReader(file))
    assert tuple(stored[0]) == model_files.COLUMNS + model_files.ACCURACIES
    assert [{key: float(value) for key, value in row.items()} for row in stored] == rows
    counts = spec.load(processed_data / "classify", "classify")["counts"]["train"].values()
    steps = sum(math.ceil(count / 8) for count in counts)
    assert [row["step"] for row in rows] == [steps * epoch for epoch in (1, 2, 3, 4)]
    stored = json.loads((tmp_path / "config.json").read_text())
    assert (stored["seed"], stored["config"]["units"], stored["config"]["bidirectional"]) == (5, 6, False)
    assert stored["training"] == RECIPE.model_dump(mode="json")
    assert (tmp_path / "spec.json").read_bytes() == (processed_data / "classify/spec.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "history.csv",
        "model.keras",
        "spec.json",
        "validation.json",
    ]
    best = rows[facts["best_epoch"] - 1]
    score = json.loads((tmp_path / "validation.json").read_text())
    assert score == {"metric": "accuracy", "value": pytest.approx(best["valid_accuracy"], abs=1e-6)}


@pytest.mark.slow
def test_the_best_epoch_is_kept_and_patience_stops(processed_data: Path, tmp_path: Path) -> None:
    wild = classify_recipe(
        epochs=30,
        batch_size=8,
        learning_rate=1.5,
        optimizer="sgd",
        momentum=0.9,
        schedule="constant",
        patience=2,
    )
    facts, rows = train(processed_data, tmp_path, recipe=wild)
    losses = [row["valid_loss"] for row in rows]
    best = int(np.argmin(losses)) + 1
    assert facts["best_epoch"] == best
    assert len(rows) == best + 2 < 30
    spec_json = spec.load(processed_data / "classify", "classify")
    _, labels, logits = split_predictions.predict_split(
        networks.load_network(tmp_path), processed_data / "classify", spec_json, "valid"
    )
    log_norm = np.log(np.exp(logits).sum(axis=1))
    assert np.mean(log_norm - logits[np.arange(len(labels)), labels]) == pytest.approx(
        losses[best - 1], abs=1e-5
    )


CONV_RNN = {
    "filters": [4, 4],
    "kernels": [5, 3],
    "strides": [2, 2],
    "units": 6,
    "layers": 1,
    "dropout": 0.2,
}


@pytest.mark.parametrize(
    ("task", "name", "config", "recipe"),
    [
        ("forecast", "linear", {}, ForecastRecipe(epochs=2, batch_size=8)),
        pytest.param(
            "classify",
            "conv_rnn",
            CONV_RNN,
            classify_recipe(epochs=2, batch_size=8),
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.slow
def test_the_seed_decides_the_weights(
    processed_data: Path, tmp_path: Path, task: str, name: str, config: dict[str, Any], recipe: Recipe
) -> None:
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        train(
            processed_data,
            tmp_path / folder,
            task=task,
            name=name,
            config=config,
            recipe=recipe,
            seed=seed,
        )
    a, b, c = (networks.load_network(tmp_path / folder).get_weights() for folder in "abc")
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert not all(np.array_equal(x, y) for x, y in zip(a, c, strict=True))


def test_a_loss_that_is_not_finite_names_the_epoch(processed_data: Path, tmp_path: Path) -> None:
    broken = ForecastRecipe(
        epochs=3, batch_size=4, learning_rate=100.0, optimizer="sgd", global_clipnorm=None, loss="mse"
    )
    with pytest.raises(
        UserError,
        match=r"models\.forecast\.linear: the training loss became (nan|inf) in epoch \d, .*layer (days|future_projection) .*global_clipnorm",
    ):
        train(processed_data, tmp_path, task="forecast", name="linear", config={"quantiles": []}, recipe=broken)  # fmt: skip
    assert not (tmp_path / "model.keras").exists()


@pytest.mark.slow
def test_clipping_tames_the_same_training(processed_data: Path, tmp_path: Path) -> None:
    tame = ForecastRecipe(
        epochs=3, batch_size=4, learning_rate=0.1, optimizer="sgd", global_clipnorm=0.1, loss="mse"
    )
    _, rows = train(
        processed_data, tmp_path, task="forecast", name="linear", config={"quantiles": []}, recipe=tame
    )
    assert math.isfinite(rows[-1]["valid_loss"])


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["mae", "mse", "huber"])
def test_a_forecaster_learns_the_week(processed_data: Path, tmp_path: Path, loss: str) -> None:
    recipe = ForecastRecipe(epochs=40, batch_size=16, learning_rate=0.01, loss=loss)
    config = {"quantiles": []}
    facts, rows = train(
        processed_data, tmp_path, task="forecast", name="linear", config=config, recipe=recipe
    )
    assert tuple(rows[0]) == model_files.COLUMNS
    spec_json = spec.load(processed_data / "forecast", "forecast")
    network, series = (
        networks.load_network(tmp_path),
        backtest.load_series(processed_data / "forecast", ("train", "valid")),
    )
    assert facts["parameters"] == network.count_params()
    positions = origins.rolling(series.starts["valid"], len(series.days), 14, 3)
    forecast = backtest.network_forecaster(network, spec_json)(series, positions).point
    target = backtest.actuals(series, spec_json, positions)
    back = WindowTransformer(spec_json).inverse_transform
    std = (
        back(np.ones((1, 3, 1)), np.zeros((1, 3, 1))) - back(np.zeros((1, 3, 1)), np.zeros((1, 3, 1)))
    ).max()
    error = (forecast - target) / std
    size = np.abs(error)
    by_hand = {"mae": size, "mse": error**2, "huber": np.where(size <= 1, 0.5 * error**2, size - 0.5)}[
        loss
    ].mean()
    assert rows[facts["best_epoch"] - 1]["valid_loss"] == pytest.approx(by_hand, rel=1e-4)
    assert np.abs(forecast - target).mean() < 5  # the wave is 30 high


@pytest.mark.slow
def test_label_smoothing_raises_the_losses_of_training_and_validation(
    processed_data: Path, tmp_path: Path
) -> None:
    long = {"epochs": 12, "batch_size": 8, "learning_rate": 0.05}
    _, plain = train(processed_data, tmp_path / "a", recipe=classify_recipe(**long))
    _, smooth = train(processed_data, tmp_path / "b", recipe=classify_recipe(**long, label_smoothing=0.4))
    floor = -(0.8 * math.log(0.8) + 0.2 * math.log(0.2))  # the entropy of the smoothed labels
    assert plain[-1]["train_loss"] < 0.2
    assert smooth[-1]["train_loss"] >= floor
    assert plain[-1]["valid_loss"] < floor <= smooth[-1]["valid_loss"]


def test_a_missing_gpu_is_an_error(processed_data: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=r"runtime\.device: TensorFlow sees no GPU .*allowed: auto \| cpu"):
        train(processed_data, tmp_path, device="gpu")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "name"), [("classify", "gru"), ("forecast", "linear"), ("forecast", "seasonal_naive_7")]
)
def test_training_needs_no_test_data(processed_data: Path, tmp_path: Path, task: str, name: str) -> None:
    processed = tmp_path / "processed"
    shutil.copytree(processed_data, processed)
    shutil.rmtree(processed / task / "test")
    model = tmp_path / "model"
    model.mkdir()
    if name.startswith("seasonal"):
        job = TrainingJob.create(task, name, 1, {}, ForecastRecipe())
        facts = fitting.fit_rule(job, processed / task, model)
    else:
        recipe = {"classify": classify_recipe, "forecast": ForecastRecipe}[task](epochs=1)
        config = GRU if name == "gru" else {}
        facts, _ = train(processed, model, task=task, name=name, config=config, recipe=recipe)
    assert facts["examples_per_second"] > 0


class Opened:
    """Counts the opens of files in a folder by anyone, C++ included (inotify)."""

    IN_OPEN = 0x20

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self._fd, os.fsencode(folder), self.IN_OPEN) >= 0

    def any(self) -> bool:
        try:
            return bool(os.read(self._fd, 65536))
        except BlockingIOError:
            return False


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.parametrize("task", [pytest.param("classify", marks=pytest.mark.slow), "forecast"])
def test_training_opens_nothing_of_the_test_split(processed_data: Path, tmp_path: Path, task: str) -> None:
    processed = tmp_path / "processed"
    shutil.copytree(processed_data, processed)
    test, train_ = (Opened(processed / task / split) for split in ("test", "train"))
    name, recipe = (
        ("gru", classify_recipe(epochs=1)) if task == "classify" else ("linear", ForecastRecipe(epochs=1))
    )
    config = GRU if name == "gru" else {}
    train(processed, tmp_path / "model", task=task, name=name, config=config, recipe=recipe)
    assert train_.any(), "the watch should see what TensorFlow opens"
    assert not test.any()


@pytest.mark.slow
def test_a_statistical_model_is_written_without_tensorflow(processed_data: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys; from pathlib import Path; from strokecast.training import fitting; "
        "from strokecast.params import ForecastRecipe; from strokecast.training.job import TrainingJob; "
        "job = TrainingJob.create('forecast', 'seasonal_naive_7', 1, {}, ForecastRecipe()); "
        "facts = fitting.fit_rule(job, Path(sys.argv[1]), Path(sys.argv[2])); "
        "print(json.dumps([facts, [m for m in ('tensorflow', 'keras') if m in sys.modules]]))"
    )
    command = [sys.executable, "-c", code, str(processed_data / "forecast"), str(tmp_path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    facts, imported = json.loads(out)
    assert imported == []
    assert (facts["kind"], facts["parameters"], facts["best_epoch"]) == ("rule", 0, None)
    assert (tmp_path / "history.csv").read_text() == ",".join(model_files.COLUMNS) + "\n"
    assert json.loads((tmp_path / "config.json").read_text())["training"] is None
    rule = networks.load_statistical(tmp_path)
    history = SimpleNamespace(values=np.arange(10.0), next_days=np.arange(2))
    np.testing.assert_array_equal(rule.predict(history), [3, 4])


def test_a_statistical_model_without_enough_history_is_an_error(processed_data: Path, tmp_path: Path) -> None:
    job = TrainingJob.create("forecast", "seasonal_naive_364", 1, {}, ForecastRecipe())
    with pytest.raises(
        UserError, match="seasonal_naive_364: 126 days before the test split are too few: 364 days of history"
    ):
        fitting.fit_rule(job, processed_data / "forecast", tmp_path)
    assert not list(tmp_path.iterdir())
