"""`ensure_run`: one run per training, equal to the training's files however it was written."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.tracking import board, local_store, store, store_health

WEEKDAYS = [f"weekday_{day}" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
Make = Callable[..., Path]
Describe = Callable[[Any, str], dict[str, Any]]


def ensure(folder: Path, report: Path | None = None, **more: bool) -> str:
    run_id = board.ensure_run(folder, report, **more)
    assert run_id is not None
    return run_id


def test_a_run_holds_everything_from_the_files(
    make_training: Make, evaluate: Make, client: Any, describe_run: Describe
) -> None:
    folder = make_training("forecast", "gru")
    run_id = ensure(folder, evaluate(folder))
    seen = describe_run(client, run_id)
    run = json.loads((folder / "run.json").read_text())

    assert (seen["name"], seen["status"], seen["user"]) == ("gru-seed1", "FINISHED", "strokecast")
    assert (seen["start"], seen["end"]) == (run["started_ms"], run["ended_ms"])
    assert seen["params"] == {
        "task": "forecast",
        "architecture": "gru",
        "kind": "network",
        "seed": "1",
        "config.units": "8",
        "config.layers": "1",
        "config.dropout": "0.0",
        "config.bidirectional": "false",
        "training.epochs": "3",
        "training.optimizer": "adam",
        "training.global_clipnorm": "null",
        "features.input_size": "14",
        "features.horizon": "7",
        "features.targets": "y",
        "features.past_covariates": "",
        "features.future": ", ".join(WEEKDAYS),
        "features.channels": ", ".join(["y", *WEEKDAYS]),
        "features.transforms": '{"y": {"kind": "none", "power": 0.0, "mean": 100.0, "std": 10.0}}',
        "features.calendar.kinds": "weekday",
        "features.calendar.holiday_country": "null",
        "features.calendar.holiday_names": "",
        "features.calendar.day_types": "",
        "features.calendar.trend_start": "2020-01-01",
        "features.lags": "",
        "features.difference": "null",
        "features.name": "births",
        "features.unit": "births",
        "features.source": "births",
    }
    assert seen["tags"]["mlflow.source.git.commit"] == "f" * 40
    assert seen["tags"]["mlflow.user"] == "strokecast"
    assert seen["tags"]["strokecast.training_id"] == run["training_id"]
    assert seen["tags"]["strokecast.dvc_stage"] == "train-forecast@gru"
    assert "strokecast.dvc_exp_name" not in seen["tags"]
    assert seen["histories"]["train/loss"] == [
        (20, run["started_ms"] + 2000, 1 / 3),
        (40, run["started_ms"] + 4000, 1 / 6),
        (60, run["started_ms"] + 6000, 1 / 9),
    ]
    assert [step for step, _, _ in seen["histories"]["system/cpu_utilization_percentage"]] == [0, 1, 2, 3]
    assert seen["histories"]["test/mae"] == [(0, run["ended_ms"], 12.5)]
    assert seen["metrics"]["examples_per_second"] == 1234.5
    [(data, tags)] = seen["datasets"]
    assert data["digest"] == "d" * 36
    assert json.loads(data["profile"])["digest"] == "d" * 64
    assert tags == [("mlflow.data.context", "training")]
    assert set(seen["artifacts"]) == {
        "plots/curves.png",
        "test/days.csv",
        *(f"training/{n}" for n in ("config.json", "spec.json", "run.json", "history.csv", "system.csv")),
        "training/calibration.json",
    }
    [model] = seen["models"]
    assert (model["name"], model["status"], set(model["files"])) == (
        "model",
        "READY",
        {"MLmodel", "data/model.json"},
    )
    assert [(key, dataset) for key, *_, dataset, _ in model["metrics"]] == [
        ("test/mae", data["name"]),
        ("test/mae_day_1", data["name"]),
    ], "linked to the dataset"


def test_a_second_call_changes_nothing(
    make_training: Make, active: Any, client: Any, describe_run: Describe
) -> None:
    folder = make_training()
    first = ensure(folder)
    before = describe_run(client, first)
    assert ensure(folder) == first
    assert ensure(folder, verify=True) == first
    assert describe_run(client, first) == before
    assert len(active()) == 1


def test_a_run_rebuilt_from_a_deleted_board_is_equal(
    make_training: Make, evaluate: Make, project: Path, client: Any, describe_run: Describe, tmp_path: Path
) -> None:
    folder = make_training("forecast", "gru")
    report = evaluate(folder)
    before = describe_run(client, ensure(folder, report))
    (project / "mlruns").rename(tmp_path / "old")
    copy = tmp_path / "clone"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("mlruns", ".strokecast"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        rebuilt = ensure(folder, report)
        assert describe_run(store.client(), rebuilt) == before


def test_an_evaluation_adds_to_the_run_and_a_missing_report_removes_nothing(
    make_training: Make, evaluate: Make, client: Any, describe_run: Describe
) -> None:
    folder = make_training("forecast", "gru")
    first = ensure(folder)
    bare = describe_run(client, first)
    assert not any(key.startswith("test/") for key in bare["metrics"])
    report = evaluate(folder)
    assert ensure(folder, report) == first, "the same run, with more in it"
    full = describe_run(client, first)
    assert full["metrics"] == bare["metrics"] | {"test/mae": 12.5, "test/mae_day_1": 12.5 / 3}
    assert ensure(folder, None) == first
    assert ensure(folder, None, verify=True) == first
    assert describe_run(client, first) == full


def test_run_with_added_evaluation_equals_one_made_at_once(
    make_training: Make, evaluate: Make, client: Any, describe_run: Describe
) -> None:
    folder = make_training("forecast", "gru")
    ensure(folder)
    report = evaluate(folder)
    updated = ensure(folder, report)
    seen = describe_run(client, updated)
    board.supersede(client, client.get_run(updated))
    again = ensure(folder, report)
    assert again != updated
    assert describe_run(client, again) == seen


def test_a_run_with_metrics_of_slices_from_an_earlier_version_stays(
    make_training: Make, evaluate: Make, client: Any, describe_run: Describe
) -> None:
    folder = make_training()
    run_id = ensure(folder, evaluate(folder))
    report = evaluate(folder, slices=True)
    assert ensure(folder, report) == run_id, "the same run, with one file more"
    assert "test/metrics.json" in describe_run(client, run_id)["artifacts"]
    assert ensure(folder, report, verify=True) == run_id
    board.supersede(client, client.get_run(run_id))
    fresh = describe_run(client, ensure(folder, report))
    assert fresh["metrics"]["test/mae"] == 12.5
    assert "test/mae_day_1" not in fresh["metrics"]
    second = make_training("forecast", "gru", training_id="other")
    other = ensure(second, evaluate(second))
    assert ensure(second, evaluate(second, mae=3.0, slices=True)) != other, "its slice has another value"


@pytest.mark.parametrize("change", ["metric", "artifact changed", "artifact gone", "metric gone"])
@pytest.mark.slow
def test_another_evaluation_replaces_the_run(
    make_training: Make, evaluate: Make, client: Any, active: Any, describe_run: Describe, change: str
) -> None:
    folder = make_training()
    report = evaluate(folder, extra="gone.csv")
    first = ensure(folder, report)
    client.set_tag(first, "mlflow.note.content", "my favourite")
    files = report / "models/seasonal_naive_7/seed-1"
    if change == "metric":
        evaluate(folder, mae=99.0)
    elif change == "artifact changed":
        (files / "days.csv").write_text("other")
    elif change == "artifact gone":
        (files / "gone.csv").unlink()
    else:
        entries = json.loads((report / "trainings.json").read_text())
        next(iter(entries.values()))["metrics"].pop("test/mae_day_1")
        (report / "trainings.json").write_text(json.dumps(entries))
    second = ensure(folder, report)
    assert second != first
    assert [run.info.run_id for run in active()] == [second]
    old = client.get_run(first)
    assert old.info.lifecycle_stage == "deleted"
    assert old.data.tags[store.SUPERSEDED] == "true"
    seen = describe_run(client, second)
    assert seen["tags"].pop("mlflow.note.content") == "my favourite", "tags of the user are kept"
    assert len(client.search_logged_models([old.info.experiment_id])) == 1
    board.supersede(client, client.get_run(second))
    fresh = describe_run(client, ensure(folder, report))
    assert fresh == seen


def test_a_run_that_the_user_deleted_stays_deleted_until_restored(
    make_training: Make, evaluate: Make, client: Any, active: Any, describe_run: Describe
) -> None:
    folder = make_training()
    run_id = ensure(folder, evaluate(folder))
    before = describe_run(client, run_id)
    client.delete_run(run_id)
    assert board.ensure_run(folder) is None
    assert board.ensure_run(folder, evaluate(folder, mae=3.0)) is None
    assert active() == []
    assert ensure(folder, evaluate(folder), restore=True) == run_id
    assert describe_run(client, run_id) == before


def test_a_restored_run_is_updated(make_training: Make, evaluate: Make, client: Any, active: Any) -> None:
    folder = make_training()
    run_id = ensure(folder, evaluate(folder))
    client.delete_run(run_id)
    again = ensure(folder, evaluate(folder, mae=3.0), restore=True)
    assert [run.info.run_id for run in active()] == [again]
    assert client.get_run(again).data.metrics["test/mae"] == 3.0


def test_a_superseded_run_does_not_count_as_deleted_by_the_user(
    make_training: Make, client: Any, active: Any
) -> None:
    folder = make_training()
    board.supersede(client, client.get_run(ensure(folder)))
    assert active() == []
    ensure(folder)
    assert len(active()) == 1


def test_a_run_that_a_killed_process_left_incomplete_is_completed(
    make_training: Make,
    evaluate: Make,
    client: Any,
    active: Any,
    describe_run: Describe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make_training("forecast", "gru")
    report = evaluate(folder)
    wanted = describe_run(client, ensure(folder, report))
    board.supersede(client, active()[0])

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for broken in ("finalize_logged_model", "log_outputs", "log_artifact", "set_terminated"):
        with monkeypatch.context() as patch:
            patch.setattr("mlflow.MlflowClient." + broken, dies)
            with pytest.raises(KeyboardInterrupt):
                board.ensure_run(folder, report)
        assert len(active()) == 1
    assert describe_run(client, ensure(folder, report)) == wanted
    assert len(active()) == 1
    assert len(client.search_logged_models([active()[0].info.experiment_id])) == 1


def test_a_changed_history_replaces_the_run(make_training: Make, client: Any, active: Any) -> None:
    folder = make_training("forecast", "gru")
    first = ensure(folder)
    text = (folder / "history.csv").read_text().splitlines()
    (folder / "history.csv").write_text("\n".join(text[:-1]) + "\n")
    second = ensure(folder)
    assert first != second
    assert len(client.get_metric_history(second, "train/loss")) == 2
    assert len(active()) == 1


def test_the_seed_is_part_of_the_run_name(make_training: Make, client: Any) -> None:
    make_training()
    folder = make_training(training_id="another", seed=7)
    assert client.get_run(ensure(folder)).info.run_name == "seasonal_naive_7-seed7"


def test_nan_and_infinite_values_are_stored(make_training: Make, client: Any, active: Any) -> None:
    folder = make_training("forecast", "gru")
    text = (folder / "history.csv").read_text().replace(str(1 / 3), "nan").replace(str(1 / 6), "inf")
    (folder / "history.csv").write_text(text)
    first = ensure(folder)
    values = [m.value for m in client.get_metric_history(first, "train/loss")]
    assert values[0] != values[0]
    assert values[1] > 1e308
    assert ensure(folder, verify=True) == first
    assert len(active()) == 1


def test_an_unfinished_training_is_an_error_of_one_line(make_training: Make, active: Any) -> None:
    with pytest.raises(UserError, match="no finished training"):
        board.ensure_run(Path("models/forecast/nothing/seed-1"))
    folder = make_training()
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(run | {"status": "failed"}))
    with pytest.raises(UserError, match="'failed'"):
        board.ensure_run(folder)
    assert active() == []


def test_metrics_of_an_evaluation_that_cannot_be_logged_are_one_warning(
    make_training: Make,
    evaluate: Make,
    active: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folders = [make_training(), make_training("forecast", "gru", training_id="other")]
    [report] = {evaluate(folder) for folder in folders}
    monkeypatch.setattr(store_health, "BUSY_TIMEOUT", 0.05)
    with closing(sqlite3.connect(local_store.database(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        board.ensure_runs(folders, report)
    assert capsys.readouterr().err == (
        "warning: the metrics are in the reports, but not on the board: mlruns/mlflow.db: another program has locked the "
        "MLflow board for more than 0 s; when it has ended, run `strokecast sync`\n"
    )
    board.ensure_runs(folders, report)
    assert [run.data.metrics["test/mae"] for run in active()] == [12.5, 12.5]
