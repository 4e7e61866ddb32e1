"""Several series in one global model: each by its own training days, and none sees another's days to come."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from strokecast.commands.cli import main
from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.common.paths import model_dir
from strokecast.evaluation.common.trainings import Roster, Training
from strokecast.evaluation.forecast import intervals as forecast_intervals
from strokecast.evaluation.forecast import predictions as forecast_predictions
from strokecast.evaluation.forecast import report as forecast_report
from strokecast.evaluation.forecast.metrics import taken
from strokecast.evaluation.forecast.refit import Again
from strokecast.features.records import numpy_reader
from strokecast.features.timeseries import forecast, series_spec
from strokecast.features.timeseries.window_transformer import WindowTransformer
from strokecast.inference import backtest, conformal
from strokecast.params import ForecastEvaluation, ForecastFeatures, ForecastRecipe, Params
from strokecast.training import run as training
from strokecast.training.job import TrainingJob

FIRST = datetime.date(2020, 1, 1)
DAYS = {"bus": 200, "rail": 230, "tram": 200}  # rail starts 30 days earlier
LEVEL = {"bus": 100.0, "rail": 5000.0, "tram": 20.0}
SETTINGS = ForecastFeatures(
    input_size=14, calendar=("weekday",), holiday_country=None, lags=(), series="all", series_id=True
)
MODELS = {"seasonal_naive_7": "rule", "ridge": "estimator", "linear": "network"}


def values(name: str) -> np.ndarray:
    at = np.arange(DAYS[name])
    noise = np.random.default_rng(len(name)).normal(size=len(at))
    return LEVEL[name] * (1 + 0.3 * np.sin(at * 2 * np.pi / 7) + 0.02 * noise)


def days(name: str) -> list[datetime.date]:
    early = DAYS[name] - 200
    return [FIRST + datetime.timedelta(days=n - early) for n in range(DAYS[name])]


def write(folder: Path, changed: dict[str, np.ndarray] | None = None, skip: int | None = None) -> Path:
    """`all.parquet` as validation writes it; the day `skip` of tram is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for name in DAYS:
        keep = np.arange(DAYS[name]) != (skip if name == "tram" else None)
        own = (changed or {}).get(name, values(name))
        parts.append(
            pa.table(
                {
                    "unique_id": pa.array([name] * int(keep.sum())),
                    "ds": pa.array(
                        [day for day, kept in zip(days(name), keep, strict=True) if kept], pa.date32()
                    ),
                    "y": pa.array(own[keep]),
                }
            )
        )
    pq.write_table(pa.concat_tables(parts), folder / "all.parquet")
    pq.write_table(parts[0].drop_columns("unique_id"), folder / "series.parquet")
    (folder / "report.json").write_text(json.dumps({"source": "csv", "name": "rides", "unit": "rides"}))
    return folder


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three series, and one model of each kind that learned all of them."""
    root = tmp_path_factory.mktemp("several")
    forecast.preprocess(write(root / "validated"), root / "processed", SETTINGS)
    folders = {name: model_dir("forecast", name, 1, root / "models") for name in MODELS}
    for folder in folders.values():
        folder.mkdir(parents=True)
    configs = {"ridge": {"weeks": [1, 2]}}
    jobs = {
        name: TrainingJob.create("forecast", name, 1, configs.get(name, {}), ForecastRecipe(epochs=2))
        for name in MODELS
    }
    processed = root / "processed"
    training.fit_rule(jobs["seasonal_naive_7"], processed, folders["seasonal_naive_7"])
    training.fit_estimator(jobs["ridge"], processed, folders["ridge"])
    training.train_network(jobs["linear"], processed, folders["linear"], lambda row: None, "cpu")
    return root


def spec_of(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = read_json(root / "processed/spec.json")
    return found


def roster(root: Path) -> Roster:
    digest = spec_of(root)["digest"]
    trainings = [
        Training(
            name,
            1,
            model_dir("forecast", name, 1, root / "models"),
            {"dataset": {"digest": digest}, "kind": kind, "training_id": name},
        )
        for name, kind in MODELS.items()
    ]
    return Roster(tuple(trainings), (), ())


def test_each_series_is_scaled_by_its_own_training_days(project: Path) -> None:
    spec = spec_of(project)
    assert series_spec.names(spec) == ("bus", "rail", "tram")
    for name in DAYS:
        own = series_spec.for_series(spec, name)
        first_valid = np.datetime64(own["splits"]["valid"]["first"])
        train = values(name)[np.array(days(name), "datetime64[D]") < first_valid]
        told = own["transforms"]["y"]
        assert (told["mean"], told["std"]) == pytest.approx((train.mean(), train.std()))
    assert len({own["splits"]["test"]["first"] for own in spec["series"].values()}) == 1


def test_windows_of_all_series_tell_which_one_it_is(project: Path) -> None:
    spec = spec_of(project)
    made = numpy_reader.windows(project / "processed", spec, "train")
    counts = [own["splits"]["train"]["windows"] for own in spec["series"].values()]
    assert len(made.past) == sum(counts) == spec["splits"]["train"]["windows"]
    at = [spec["channels"].index(f"series: {name}") for name in DAYS]
    which = made.past[:, :, at]
    assert (which.sum(axis=2) == 1).all()
    assert which[:, 0].argmax(axis=1).tolist() == np.repeat(np.arange(3), counts).tolist()
    assert np.abs(made.past[:, :, 0]).max() < 4  # scaled, whatever the level


def test_values_after_the_training_days_change_nothing_that_is_fitted(project: Path, tmp_path: Path) -> None:
    spec = spec_of(project)
    changed = {}
    for name in DAYS:
        late = np.array(days(name), "datetime64[D]") >= np.datetime64(spec["splits"]["valid"]["first"])
        changed[name] = np.where(late, 7 * values(name) + 3, values(name))
    again = forecast.preprocess(write(tmp_path / "validated", changed), tmp_path / "processed", SETTINGS)
    assert [own["transforms"] for own in again["series"].values()] == [
        own["transforms"] for own in spec["series"].values()
    ]
    before, after = (
        numpy_reader.windows(folder, held, "train")
        for folder, held in ((project / "processed", spec), (tmp_path / "processed", again))
    )
    assert np.array_equal(before.past, after.past)
    assert np.array_equal(before.target, after.target)


@pytest.mark.parametrize("model", MODELS)
def test_no_forecast_knows_what_comes_after_its_origin(project: Path, model: str) -> None:
    spec = spec_of(project)
    ask = backtest.load_forecaster(
        MODELS[model], model_dir("forecast", model, 1, project / "models"), spec, "here"
    )
    known = {n: backtest.load_series(project / "processed", ("train", "valid", "test"), n) for n in DAYS}
    origin = known["bus"].starts["test"]
    day = known["bus"].days[origin]

    def at(name: str, shift: float) -> np.ndarray:
        one = known[name]
        y = np.where(one.days >= day, one.columns["y"] + shift, one.columns["y"])
        asked = np.flatnonzero(one.days == day)
        return ask(backtest.Series(one.days, {"y": y}, one.starts, name), asked).point

    for name in DAYS:
        assert np.array_equal(at(name, 0.0), at(name, 1000.0))
        assert at(name, 0.0).mean() == pytest.approx(LEVEL[name], rel=0.5)  # back in its own unit


def test_figures_are_means_over_series(project: Path, tmp_path: Path) -> None:
    spec = spec_of(project)
    found = roster(project)
    test, made = forecast_predictions.collect(found, project / "processed", spec, 1, 5)
    assert list(test.parts) == list(DAYS)
    naive = made["seasonal_naive_7", 1]
    each = [
        forecast_intervals.measure(part, taken(naive, test.rows()[name]), np.ones(part.actual.shape, bool))
        for name, part in test.parts.items()
    ]
    whole = forecast_intervals.measure(test, naive, np.ones(test.actual.shape, bool))
    for key in ("mae", "mase", "smape", "coverage_80"):
        assert whole[key] == pytest.approx(np.mean([one[key] for one in each]))
    by_hand = np.concatenate(
        [
            values(name)[np.flatnonzero(np.array(days(name), "datetime64[D]") == first)[0] + np.arange(-7, 0)]
            for name, part in test.parts.items()
            for first in part.first_days
        ]
    )
    assert naive.point.ravel() == pytest.approx(by_hand)

    folder = tmp_path / "report"
    folder.mkdir()
    line = forecast_report.write(folder, found, test, made, ForecastEvaluation(resamples=100))
    assert "5 origins of 3 series each" in line
    table = pd.read_csv(folder / "series.csv").set_index(["model", "unique_id"])
    metrics = read_json(folder / "metrics.json")
    for name in MODELS:
        for key in ("mae", "mase", "smape"):
            assert table.loc[name][key].mean() == pytest.approx(metrics[name][key], rel=1e-5)
    said = pd.read_parquet(folder / "predictions.parquet")
    assert said.groupby(["model", "unique_id"], observed=True).size().tolist() == [35] * 9


def test_each_series_has_its_own_intervals(project: Path) -> None:
    folder = project / "models/forecast/ridge/seed-1"
    widths = {name: conformal.load(folder, name).high[-1].mean() for name in DAYS}
    assert widths["rail"] > 10 * widths["bus"] > 10 * widths["tram"]


def command(project: Path, frame: pd.DataFrame, tmp_path: Path, model: str = "linear") -> Any:
    frame.to_csv(tmp_path / "in.csv", index=False)
    asked = ["--model", model, "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")]
    return CliRunner().invoke(main, ["forecast", *asked])


def history(*names: str) -> pd.DataFrame:
    return pd.concat([pd.DataFrame({"ds": days(n), "unique_id": n, "y": values(n)}) for n in names])


@pytest.mark.parametrize("model", MODELS)
def test_the_command_forecasts_the_series_it_knows(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.chdir(project)
    result = command(project, history("tram", "rail"), tmp_path, model)
    assert result.exit_code == 0, result.output
    out = pd.read_csv(tmp_path / "out.csv")
    assert out["unique_id"].tolist() == ["tram"] * 7 + ["rail"] * 7
    point = out.columns[2]
    means = out.groupby("unique_id")[point].mean()
    assert means["tram"] == pytest.approx(20, rel=0.5)
    assert means["rail"] == pytest.approx(5000, rel=0.5)
    assert (out["lo-80"] <= out[point]).all()


def test_the_command_names_the_series_it_knows(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    unknown = history("bus").assign(unique_id="ferry")
    for frame, told in (
        (unknown, "'ferry' is none"),
        (unknown.drop(columns="unique_id"), "no column 'unique_id'"),
    ):
        result = command(project, frame, tmp_path)
        assert result.exit_code == 1
        assert told in result.output
        assert "allowed: bus, rail, tram" in result.output
        assert not (tmp_path / "out.csv").exists()


def test_a_gap_names_its_series(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tram: 2020-02-11 follows 2020-02-09"):
        forecast.preprocess(write(tmp_path / "validated", skip=40), tmp_path / "processed", SETTINGS)
    assert not (tmp_path / "processed").exists()


def test_a_split_that_a_series_does_not_reach_names_it(tmp_path: Path) -> None:
    late = SETTINGS.model_copy(update={"valid_from": "2019-12-20", "test_from": "2020-06-01"})
    with pytest.raises(UserError, match="series 'bus': 2019-12-20 lies outside"):
        forecast.preprocess(write(tmp_path / "validated"), tmp_path / "processed", late)


def test_one_series_alone_is_not_several(tmp_path: Path) -> None:
    folder = write(tmp_path / "validated")
    (folder / "all.parquet").unlink()
    with pytest.raises(UserError, match=r"the source holds one series.*say series: one"):
        forecast.preprocess(folder, tmp_path / "processed", SETTINGS)


def test_the_number_of_a_series_goes_with_several() -> None:
    with pytest.raises(ValidationError, match="series_id should be false with series: one"):
        ForecastFeatures(series_id=True)


def test_trainings_again_are_refused(project: Path, tmp_path: Path) -> None:
    again = Again(Params(), project / "validated", tmp_path, 30)
    with pytest.raises(UserError, match="not trained anew"):
        forecast_predictions.collect(roster(project), project / "processed", spec_of(project), 1, again=again)


def test_of_one_series_nothing_of_several_is_stored(tmp_path: Path) -> None:
    alone = SETTINGS.model_copy(update={"series": "one", "series_id": False})
    spec = forecast.preprocess(write(tmp_path / "validated"), tmp_path / "processed", alone)
    assert "series" not in spec
    assert series_spec.for_series(spec, series_spec.names(spec)[0]) is spec
    assert WindowTransformer(spec).transforms["y"].mean == pytest.approx(values("bus")[:160].mean())
