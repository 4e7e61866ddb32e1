"""The row of a pretrained model: with an adapter of this test, and with a tiny Chronos-Bolt made on the spot."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry
from strokecast.models.statistical import pretrained
from strokecast.params import ForecastRecipe
from strokecast.training.job import TrainingJob

HISTORY = SimpleNamespace(
    values=100 + 10 * np.sin(np.arange(80) * 2 * np.pi / 7),
    next_days=np.datetime64("2024-03-21") + np.arange(7),
)
needs_chronos = pytest.mark.skipif(
    importlib.util.find_spec("chronos") is None,
    reason="the extra `foundation` (chronos-forecasting, PyTorch) is not installed: run `make test-foundation`",
)


def last_week(folder: Path) -> pretrained.QuantileFn:
    """A "model" that repeats the last week, with quantiles 1 apart."""

    def quantiles(values: Any, horizon: int, levels: tuple[float, ...]) -> Any:
        point = values[-7:][np.arange(horizon) % 7]
        return point[:, None] + 10 * (np.array(levels) - 0.5)

    return quantiles


@pytest.fixture
def repeating(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folder of such a model, whose adapter is registered; the working directory is its parent."""
    adapter = pretrained.Adapter("Weekly", "json", "foundation", lambda config: "weekly" in config, last_week)
    monkeypatch.setattr(pretrained, "ADAPTERS", [*pretrained.ADAPTERS, adapter])
    monkeypatch.chdir(tmp_path)
    return write_model(tmp_path / "pretrained", weekly=True)


def write_model(folder: Path, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def build(**config: Any) -> Any:
    architecture = registry.get("forecast", "foundation")
    return architecture.build(registry.config("forecast", "foundation", config), {"counts": False})


def test_it_forecasts_quantiles_of_the_model_in_its_folder(repeating: Path) -> None:
    model = build(quantiles=[0.1, 0.5, 0.9])
    model.fit(HISTORY)
    quantiles = model.predict_quantiles(HISTORY)
    np.testing.assert_allclose(quantiles[:, 1], HISTORY.values[-7:])
    np.testing.assert_allclose(np.diff(quantiles, axis=1), 4)
    np.testing.assert_array_equal(model.predict(HISTORY), quantiles[:, 1])


def test_a_stored_model_finds_its_folder_from_anywhere_and_no_other_model(
    repeating: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, loaded, later = build(), build(), build()
    fitted.fit(HISTORY)
    loaded.specification = later.specification = json.loads(json.dumps(fitted.specification))
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(loaded.predict(HISTORY), fitted.predict(HISTORY))
    (repeating / "weights").write_bytes(b"another model")
    with pytest.raises(UserError, match=r"foundation\.config\.path: .* holds another model than the one"):
        later.predict(HISTORY)


@pytest.mark.parametrize(("max_history_days", "read"), [(None, 80), (28, 28), (1000, 80)])
def test_it_reads_the_last_days_only(
    repeating: Path, monkeypatch: pytest.MonkeyPatch, max_history_days: int | None, read: int
) -> None:
    def echo_first_and_count(folder: Path) -> pretrained.QuantileFn:
        return lambda values, horizon, levels: np.array([[values[0]], [len(values)]])

    adapter = dataclasses.replace(pretrained.ADAPTERS[-1], load=echo_first_and_count)
    monkeypatch.setattr(pretrained, "ADAPTERS", [adapter])
    model = build(max_history_days=max_history_days)
    model.fit(HISTORY)
    assert model.predict(HISTORY).tolist() == [HISTORY.values[-read], read]


def test_other_weights_are_noticed(repeating: Path) -> None:
    def key() -> str:
        return TrainingJob.create("forecast", "foundation", 1, {}, ForecastRecipe(epochs=1)).resume_key

    model, first = build(), key()
    model.fit(HISTORY)
    assert model.changed() is None
    assert key() == first
    (repeating / "weights").write_bytes(b"another model")
    assert "holds another model than the one" in str(model.changed())
    assert key() != first, "an unfinished training with the former weights is not resumed"
    shutil.rmtree(repeating)
    assert model.changed() is None, "a clone has the row, but not its weights"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            None,
            "no such folder '.*missing'; allowed: a folder with the config.json and the weights .*Chronos",
        ),
        ({}, "'.*other' is not a pretrained forecaster that is known here: it has no config.json"),
        ({"model_type": "bert"}, 'its config.json names "bert"; allowed: a model of Chronos, Weekly'),
    ],
)
def test_a_folder_without_such_a_model_is_one_line(repeating: Path, config: Any, message: str) -> None:
    path = "missing"
    if config is not None:
        path = str(write_model(repeating.parent / "other", **config))
        if not config:
            (Path(path) / "config.json").unlink()
    with pytest.raises(UserError, match=message) as caught:
        build(path=path).fit(HISTORY)
    assert str(caught.value).startswith("params.yaml: models.forecast.foundation.config.path: ")


def test_a_missing_package_names_the_extra(repeating: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(pretrained.ADAPTERS[-1], module="no_such_package")
    monkeypatch.setattr(pretrained, "ADAPTERS", [absent])
    with pytest.raises(
        UserError, match=r"no_such_package, which is not installed; .*'strokecast\[foundation\]'"
    ):
        build().fit(HISTORY)


def test_weights_that_cannot_be_read_are_one_line(repeating: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> pretrained.QuantileFn:
        raise OSError("truncated\nfile")

    monkeypatch.setattr(pretrained, "ADAPTERS", [dataclasses.replace(pretrained.ADAPTERS[-1], load=fail)])
    with pytest.raises(UserError, match=r"cannot be read as a model of Weekly \(OSError: truncated file\)"):
        build().fit(HISTORY)


@pytest.fixture
def make_bolt() -> Callable[[Path], Path]:
    """Function that writes a Chronos-Bolt with random weights to a folder."""

    def make(folder: Path) -> Path:
        import torch
        from chronos.chronos_bolt import ChronosBoltModelForForecasting
        from transformers import T5Config

        torch.manual_seed(1)
        config = T5Config(
            chronos_pipeline_class="ChronosBoltPipeline",
            d_model=16,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_decoder_layers=1,
            num_heads=2,
            vocab_size=2,
            pad_token_id=0,
            decoder_start_token_id=0,
            chronos_config={
                "context_length": 64,
                "prediction_length": 16,
                "input_patch_size": 8,
                "input_patch_stride": 8,
                "quantiles": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
                "use_reg_token": True,
            },
        )
        ChronosBoltModelForForecasting(config).save_pretrained(folder)
        return folder

    return make


@needs_chronos
@pytest.mark.foundation
def test_a_real_model_is_calibrated_and_forecasts_without_network(
    make_bolt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from strokecast.features.records import spec as specs
    from strokecast.features.timeseries import forecast
    from strokecast.inference import validation_forecasts
    from strokecast.inference.forecasting import SeriesForecaster
    from strokecast.params import ForecastFeatures
    from strokecast.tracking import pyfunc
    from strokecast.training import fitting

    def refuse(*args: object) -> None:
        raise AssertionError("a pretrained model is read without network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    path, folder = make_bolt(tmp_path / "bolt"), tmp_path / "model"
    folder.mkdir()
    days = pd.date_range("2020-01-01", periods=160)
    values = 9000.0 + 500 * np.sin(np.arange(160) * 2 * np.pi / 7)
    table = pa.table({"ds": pa.array(days.date, pa.date32()), "y": values})
    (tmp_path / "validated").mkdir()
    pq.write_table(table, tmp_path / "validated/series.parquet")
    (tmp_path / "validated/report.json").write_text(json.dumps({"source": "csv", "name": "rides"}))
    features = ForecastFeatures(input_size=14, calendar=("weekday",), holiday_country=None, lags=())
    forecast.preprocess(tmp_path / "validated", tmp_path / "processed", features)
    recipe = ForecastRecipe(calibration_origins=10)
    job = TrainingJob.create("forecast", "foundation", 1, {"path": str(path)}, recipe)
    assert fitting.fit_rule(job, tmp_path / "processed", folder)["kind"] == "rule"
    assert validation_forecasts.load(folder)[""].quantile_levels[4] == 0.5
    history = pd.DataFrame({"ds": days, "y": values})
    first, second = (
        SeriesForecaster(folder, specs.load(folder, "forecast")).forecast(history) for _ in range(2)
    )
    pd.testing.assert_frame_equal(first, second)
    assert (first["lo-80"] <= first["median"]).all()
    assert (first["median"] <= first["hi-80"]).all()
    required = registry.get("forecast", "foundation").requirements
    assert any(line.startswith("chronos-forecasting==") for line in pyfunc.requirements("rule", required))
