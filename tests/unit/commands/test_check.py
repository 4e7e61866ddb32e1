"""`strokecast check`: wrong values of every section, each of which a stage would find only later."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from strokecast.commands import check, dvc_api, repro, workspace
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.params.stages import stage_values

SAMPLE = {"source": "quickdraw_sample", "quickdraw_sample": {"classes": ["ant", "crab"]}}
BASE: dict[str, Any] = {
    "sketches": SAMPLE,
    "models": {
        "classify": {"gru": {}, "logistic": {}},
        "watch": {"conv3d": {}},
        "draw": {"class_decoder": {}},
        "forecast": {"linear": {}, "ridge": {}},
    },
    "draw": {"judge": "logistic"},
    "evaluation": {"watch": {"baseline": None}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "_GPUS", ())
    (tmp_path / "series.csv").write_text("day,visits,rain\n2020-01-01,5,1\n")
    (tmp_path / "npz").mkdir()
    (tmp_path / "npz/ant.npz").touch()
    return tmp_path


def _write(changes: dict[str, Any]) -> None:
    values = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = values
        for key in parents:
            section = section.setdefault(key, {})
        section[last] = value
    YAML().dump(values, Path("params.yaml"))


CSV = {
    "series.source": "csv",
    "series.csv": {"date_column": "day", "value_column": "visits"},
    "models.draw": {},
}


def csv(**options: Any) -> dict[str, Any]:
    return {**CSV, "series.csv": {**CSV["series.csv"], **options}}  # type: ignore[dict-item]


FAULTS: list[tuple[dict[str, Any], str]] = [
    # classes, addresses and folders of drawings
    (
        {"sketches": {"quickdraw_sample": {"classes": ["ant", "crap"]}}},
        "sketches.quickdraw_sample.classes: unknown class 'crap'; choose one of alarm clock, ant, apple, backpack, "
        "basket, coffee cup, crab, duck, face, pig, pineapple, suitcase; did you mean 'crab'",
    ),
    ({"sketches": {"quickdraw_sample": {"classes": []}}}, "quickdraw_sample.classes: the list is empty"),
    ({"sketches": {"quickdraw_sample": {"classes": ["ant", "ant"]}}}, "'ant' is listed twice"),
    ({"sketches": {"source": "doodles", "doodles": {"classes": ["cicle"]}}}, "unknown class 'cicle'"),
    (
        {"sketches": {"source": "quickdraw", "quickdraw": {"classes": ["ant", "aplle"]}}},
        "unknown class 'aplle'; allowed: the 345 Quick, Draw! classes; did you mean 'apple'",
    ),
    (
        {"sketches": {"source": "quickdraw_raw", "quickdraw_raw": {"classes": ["aplle"]}}},
        "sketches.quickdraw_raw.classes: unknown class 'aplle'",
    ),
    (
        {"sketches": {"source": "quickdraw", "quickdraw": {"base_url": "htp://example.org"}}},
        "sketches.quickdraw.base_url: 'htp://example.org' is not valid; allowed: an http(s) address",
    ),
    ({"sketches": {"source": "quickdraw", "quickdraw": {"base_url": "https://"}}}, "'https://' is not valid"),
    (
        {"sketches": {"source": "quickdraw", "quickdraw": {"base_url": "http://a b/c"}}},
        "'http://a b/c' is not valid",
    ),
    ({"sketches": {"source": "quickdraw", "quickdraw": {"base_url": "http://a:99999/"}}}, "is not valid"),
    ({"sketches": {"source": "quickdraw", "quickdraw": {"base_url": "http://[a/"}}}, "is not valid"),
    (
        {"sketches": {"source": "quickdraw_simplified", "quickdraw_simplified": {"base_url": "nowhere"}}},
        "sketches.quickdraw_simplified.base_url: no such folder 'nowhere'",
    ),
    (
        {"sketches": {"source": "npz_folder", "npz_folder": {"folder": "none"}}},
        "npz_folder.folder: no such folder",
    ),
    (
        {"sketches": {"source": "npz_folder", "npz_folder": {"folder": "npz", "classes": ["ent"]}}},
        "no file ent.npz in npz; allowed: the classes in this folder: ant; did you mean 'ant'",
    ),
    ({"sketches": {"source": "tutorial_tfrecord"}}, "tutorial_tfrecord.folder: no such folder"),
    ({"sketches": {"source": "kaggle_csv"}}, "kaggle_csv.folder: no such folder"),
    (
        {"models.forecast": {"linear": {}, "foundation": {"config": {"path": "chronos"}}}},
        "models.forecast.foundation.config.path: no such folder",
    ),
    # what the drawings lack
    (
        {"features.watch.by": "time"},
        "features.watch.by: the drawings of quickdraw_sample have no time; allowed: ink",
    ),
    ({"models.classify.gru": {"config": {"time": True}}}, "models.classify.gru.config.time: the drawings of"),
    (
        {"training.watch": {"mirror_classes": ["ant", "carb"]}},
        "training.watch.mirror_classes: 'carb' is not a class of sketches.quickdraw_sample.classes; allowed: all, or a "
        "list of ant, crab; did you mean 'crab'",
    ),
    # the series
    (csv(path="none.csv"), "series.csv.path: no such file 'none.csv'"),
    (csv(value_column="visit"), "no column 'visit'"),
    (csv(extra_columns=["snow"]), "no column 'snow'"),
    (csv(value_column="day"), "date_column and value_column are both 'day'"),
    (csv(id_column="visits"), "value_column and id_column are both 'visits'"),
    (csv(extra_columns=["rain", "rain"]), "extra_columns: 'rain' is listed twice"),
    (csv(extra_columns=["day"]), "extra_columns: 'day' is date_column"),
    (csv(extra_columns=["visits"]), "extra_columns: 'visits' is value_column"),
    (csv(extra_columns=["y"]), "extra_columns: 'y' is the name of another column"),
    (csv(total_column="rain", part_columns=["a", "a"]), "part_columns: 'a' is listed twice"),
    (csv(timezone="America/Chicgo"), "not 'America/Chicgo'; did you mean 'America/Chicago'?"),
    (csv(timezone="Berlin"), "not 'Berlin'; did you mean 'Europe/Berlin'?"),
    (csv(date_format="%Y-%m"), "date_format should be a strptime format with year, month and day"),
    (csv(date_format="YYYY-MM-DD"), "date_format should be a strptime format"),
    (csv(date_format="%Q"), "date_format should be a strptime format"),
    ({"series": {"source": "cta", "cta": {"files": ["a.csv"]}}}, "series.cta.files: no such file 'a.csv'"),
    ({"series": {"source": "cta", "cta": {"url": "http:///x"}}}, "series.cta.url: 'http:///x' is not valid"),
    (
        {"features.forecast": {"targets": ["rain"]}},
        "forecast.targets: the series of births has no column 'rain'",
    ),
    (
        csv() | {"features.forecast": {"targets": ["visits"]}},
        "forecast.targets: the series of csv has no column 'visits'; allowed: y; the column series.csv.value_column is",
    ),
    (
        {"features.forecast": {"targets": ["y", "y"]}},
        "targets and past_covariates should be distinct, 'y' is repeated",
    ),
    ({"features.forecast": {"calendar": ["day_type"]}}, "calendar: the series of births has no day types"),
    ({"features.forecast": {"series": "all"}}, "the source births has only one series"),
    (
        csv(id_column="id")
        | {"features.forecast": {"series": "all"}, "evaluation.forecast": {"refit_every": 30}},
        "evaluation.forecast.refit_every: models of several series cannot be refitted as origins move on; allowed: null",
    ),
    ({"features.forecast": {"holiday_country": "XX"}}, "no holidays are known for 'XX'"),
    ({"features.forecast": {"holiday_country": "US-XX"}}, "no holidays are known for 'US-XX'"),
    (
        csv() | {"features.forecast": {"holiday_window": 3}},
        "forecast.holiday_window: holiday_country: auto is no country with the source csv; allowed: 0; or set",
    ),
    (
        csv() | {"features.forecast": {"lag_calendar": True}},
        "forecast.lag_calendar: holiday_country: auto is no country with the source csv; allowed: false; or set",
    ),
    # days
    (
        {"features.forecast": {"valid_from": "2013-01-01", "test_from": "2012-01-01"}},
        "valid_from (2013-01-01) should come before test_from (2012-01-01)",
    ),
    (
        {"features.forecast": {"valid_from": 0.9, "test_from": 0.8}},
        "valid_from (0.9) should come before test_from (0.8)",
    ),
    (
        {"features.forecast": {"valid_from": "2010-01-01"}, "quality.series": {"start": "2012-01-01"}},
        "features.forecast.valid_from: 2010-01-01 is not after quality.series.start (2012-01-01)",
    ),
    (
        {"quality.series": {"start": "2012-01-01", "end": "2011-01-01"}},
        "start (2012-01-01) should not be after end (2011-01-01)",
    ),
    (
        {"quality.series": {"start": "2020-01-01"}},
        "no day lies between start (2020-01-01) and end (2014-12-31)",
    ),
    ({"features.forecast": {"test_from": "2030-01-01"}}, "test_from: 2030-01-01 lies outside the series"),
    (
        {"features.forecast": {"valid_from": "2014-06-01"}},
        "validation would start on 2014-06-01, test on 2013-07-02",
    ),
    ({"features.forecast": {"test_from": 0.9999}}, "test has 1 days, a window in it needs 7"),
    (
        {"quality.series": {"start": "2014-06-01"}},
        "the series has 214 days, input_size (56) + lags (364) + horizon",
    ),
    (
        {
            "features.forecast.test_from": "2014-01-01",
            "evaluation.forecast.regimes": [{"name": "a", "first": "2013-01-01", "last": "2013-02-01"}],
        },
        "regimes.0: regime 'a' (2013-01-01 to 2013-02-01) ends before the test split; allowed: days from",
    ),
    (
        {"evaluation.forecast.regimes": [{"name": "a", "first": "2013-03-01", "last": "2013-02-01"}]},
        "last (2013-02-01) should not come before first (2013-03-01)",
    ),
    # models
    ({"models.classify.gru": {"seeds": [1, 2, 1]}}, "seeds should be distinct, 1 is repeated"),
    ({"models.classify.gru": {"seeds": [-1]}}, "seeds should be integers from 0 to 4294967295, not -1"),
    ({"models.classify.gru": {"seeds": [2**32]}}, "not 4294967296"),
    ({"models.classify.gru": {"seeds": []}}, "seeds: [] is not valid; allowed: list of integer, not empty"),
    (
        {"models.watch": {"video_transformer": {"config": {"patch": 13}}}},
        "video_transformer.config.patch: frames of 28 x 28 pixels cannot be cut into patches of 13",
    ),
    (
        {"models.watch": {"cnn_rnn_strokes": {}}, "features.watch": {"steps_per_frame": 8}},
        "track_strides: the product of track_strides [4, 4] is 16, a frame has 8 steps",
    ),
    (
        {
            "models.watch": {"inflated": {"config": {"time_padding": "valid"}}},
            "features.watch": {"frames": 5},
        },
        "inflated.config.time_padding: convolution 2 needs 3 frames, 2 of 5 are left",
    ),
    (
        {"training.watch": {"pretrain_epochs": 2}},
        "models.watch.conv3d.training.pretrain_epochs: conv3d has no pretraining; allowed: 0",
    ),
    (
        {"models.forecast": {"seq2seq": {}}, "features.forecast": {"input_size": 28, "horizon": 28}},
        "seq2seq needs a window longer than the horizon (28 days), the window has 28",
    ),
    (
        {"models.forecast.ridge": {"config": {"weeks": [9]}}},
        "models.forecast.ridge.config.weeks: needs 63 days of past, the window has 56",
    ),
    (
        {"models.forecast.linear": {"config": {"residual": "last_year"}}, "features.forecast": {"lags": []}},
        "models.forecast.linear: residual: last_year needs 364 among features.forecast.lags",
    ),
    ({"models.forecast.linear": {"config": {"quantiles": [0.1, 0.9]}}}, "contain 0.5"),
    ({"evaluation.classify": {"length_edges": [0, 25]}}, "evaluation.classify.length_edges.0"),
    (
        {"evaluation.draw": {"temperatures": [0.5, 0.3]}},
        "temperatures should be strictly ascending, but 0.3 follows 0.5",
    ),
    (
        {"evaluation.classify": {"baseline": "logisitc"}},
        "'logisitc' is not a model of classify; choose one of gru, logistic, null; did you mean 'logistic'?",
    ),
    # messages name the range once
    (
        {"models.classify.gru": {"config": {"units": 5000}}},
        "models.classify.gru.config.units: 5000 is not valid; allowed: integer from 1 to 4096",
    ),
    (
        {"training.classify": {"label_smoothing": 1.5}},
        "training.classify.label_smoothing: 1.5 is not valid; allowed: number >= 0 and < 1",
    ),
    (
        {"training.classify": {"epochs": "ten"}},
        "epochs: 'ten' is not valid; allowed: integer from 1 to 100000",
    ),
    ({"training.classify": {"warmup_epochs": 20}}, "warmup_epochs (20) should be less than epochs (12)"),
    (
        {"features.forecast": {"scale": float("inf")}},
        "features.forecast.scale: inf is not valid; allowed: number from 1e-09 to 1e+100",
    ),
    ({"models.forecast.linear": {"config": {"l2": float("inf")}}}, "config.l2: inf is not valid"),
    (
        {"features.forecast": {"holiday_country": "us"}},
        "holiday_country: 'us' is not valid; allowed: country or region whose public holidays are features, e.g. US or ",
    ),
    ({"models.classify.gru": True}, "models.classify.gru: true is not valid; allowed: a mapping"),
    ({"models.classify.GRU": {}}, "unknown architecture 'GRU'; choose one of attention_rnn, "),
    ({"models.classify.GRU": {}}, "did you mean 'gru'? Otherwise rename or remove the entry"),
    (csv(separator="x"), """separator: 'x' is not valid; choose one of ",", ";", """),
    (
        {"sketches": {"source": "quickdraw_raw", "quickdraw_raw": {"test_share": 0.0}}},
        "test_share: 0.0 is not valid; allowed: number > 0 and < 1",
    ),
    ({"evaluation.classify": {"resamples": 10**12}}, "allowed: integer from 100 to 1000000"),
    # the machine
    ({"runtime.device": "gpu"}, "runtime.device: this machine has no GPU; allowed: auto | cpu"),
    ({"quality.reference": "none.json"}, "quality.reference"),
]


@pytest.mark.parametrize(("changes", "words"), FAULTS, ids=[words[:60] for _, words in FAULTS])
def test_a_fault_is_found_without_running(changes: dict[str, Any], words: str, project: Path) -> None:
    _write(changes)
    with pytest.raises(UserError) as caught:
        check.check()
    line = str(caught.value)
    assert words in line
    assert "\n" not in line


def test_apache_beam_must_be_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _write({"preprocess.runner": "beam"})
    with pytest.raises(UserError, match=r"preprocess\.runner: Apache Beam is not installed; allowed: local"):
        check.check()


def test_float16_on_machines_of_tf_config_is_a_fault(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    _write({"runtime.precision": "mixed_float16"})
    with pytest.raises(
        UserError, match=r"runtime\.precision: .* mixed_float16, and TF_CONFIG names 2 machines"
    ):
        check.check()


def test_what_belongs_to_a_task_without_models_is_not_checked(project: Path) -> None:
    _write(
        {
            "models.watch": {},
            "models.forecast": {},
            "features.watch.by": "time",
            "features.forecast.targets": ["z"],
        }
    )
    assert not check.check().is_enabled("forecast")


@pytest.mark.parametrize(
    "changes", [{}, csv(), csv(extra_columns=["rain"]), csv(date_format="auto")], ids=str
)
def test_a_valid_file_is_returned_with_all_defaults(changes: dict[str, Any], project: Path) -> None:
    _write(changes)
    assert check.check() == resolve.load()


def test_a_clone_has_the_data_without_the_files_that_they_came_from(project: Path) -> None:
    _write(csv())
    options = stage_values(check.check())["download-series"]
    (project / "series.csv").unlink()
    with pytest.raises(UserError, match="no such file"):
        check.check()
    (paths.RAW / "series").mkdir(parents=True)
    paths.SETTINGS.mkdir()
    (paths.SETTINGS / "download-series.json").write_text(json.dumps(options))
    check.check()
    _write(csv(unit="visits"))
    with pytest.raises(UserError, match="no such file"):
        check.check()


def test_repro_finds_faults_before_anything_runs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reproduce(runner: dvc_api.Runner, stage: str) -> None:
        raise AssertionError(f"{stage} ran")

    stale = frozenset({"params"})
    plan = dvc_api.Plan({"params": frozenset()}, stale, (), reproduce)
    monkeypatch.setattr(dvc_api, "plan", lambda *_: plan)
    monkeypatch.setattr(workspace, "check", lambda: None)
    _write({"sketches": {"quickdraw_sample": {"classes": ["ant", "crap"]}}})
    with pytest.raises(UserError, match="unknown class 'crap'"):
        repro.repro(jobs=1, gpu=False)


@pytest.mark.parametrize(
    ("changes", "country", "has_warning"),
    [
        ({}, "US", False),
        ({"series.source": "cta"}, "US", False),
        (csv(path="series.csv"), None, True),
        (csv(path="series.csv") | {"features.forecast": {"holiday_country": "DE"}}, "DE", False),
        (csv(path="series.csv") | {"features.forecast": {"holiday_country": None}}, None, False),
    ],
)
def test_the_country_of_holidays_is_known_by_the_source_or_a_warning_says_what_it_would_add(
    changes: dict[str, Any], country: str | None, has_warning: bool, project: Path
) -> None:
    _write(changes)
    assert resolve.load().features.forecast.holiday_country == country
    lines = check.warnings()
    assert len(lines) == has_warning
    assert all("adds whether a day is one, precedes or follows one" in line for line in lines)
