"""One run of the board as a pure function of a training's folder and its part of the reports.

No MLflow import. The same files give the same record and the same digest on any machine, so comparing
digests shows whether the board is complete.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from strokecast.common import files, paths
from strokecast.common.errors import UserError

Point = tuple[int, int, float]
"""step, timestamp in ms since 1970, value."""

FILES = (
    "config.json",
    "spec.json",
    "run.json",
    "calibration.json",
    "correction.json",
    paths.VALIDATION_SCORE,
    "history.csv",
    "pretraining_history.csv",
    "system.csv",
)
TRAINING_METRICS = ("train/", "valid/", "system/", "validation/")
TRAINING_ARTIFACTS = ("training/", "plots/")
RUN_JSON_METRICS = (
    "parameters",
    "train_seconds",
    "best_epoch",
    "examples_per_second",
    "flops_per_example",
    "flops_per_second",
)
TEST = "test/"
MAX_PARAM_LENGTH = 6000  # characters; MLflow's limit
_MAX_KEY_LENGTH = 250  # characters; MLflow's limit
_NOT_IN_KEYS = re.compile(r"[^\w.\- :]|_(?=x[0-9A-F]{4,6}_)")
NAN = math.nan  # always this very object, so that points with it are found in sets
LAYOUT = 2  # raise it when the same files give another record: `sync` then writes the runs again
_NOT_FEATURES = ("task", "files", "counts", "digest", "splits", "length", "features")
_BY_USER_NAME = ("class_counts", "transforms", "series")  # keys of the spec whose keys are names of the user
_RENAMED_COLUMNS = {"seconds": "elapsed_seconds"}


@dataclass(frozen=True)
class RunSection:
    """The part of a run that the training, or the evaluation, writes.

    Attributes:
        metrics: points by metric name.
        artifacts: files by their path inside the run.
        former: points that runs of earlier versions hold and new runs do not; they contradict nothing.
        digest: hex sha256 over everything that the section is made from; "" if it does not exist.
    """

    metrics: Mapping[str, frozenset[Point]] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    digest: str = ""
    former: Mapping[str, frozenset[Point]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """Everything that one run on the board holds, except the ids that MLflow assigns."""

    training_id: str
    task: str
    name: str
    start_ms: int
    end_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    dataset: Mapping[str, str]
    training: RunSection
    evaluation: RunSection
    pyfunc_dir: Path | None


def digest_tag(training: RunSection, evaluation: RunSection) -> str:
    """Value of the tag `strokecast.digest`: both digests; the second is empty before the evaluation."""
    return f"{training.digest}:{evaluation.digest}"


def digest_matches(tag: str | None, training: RunSection, evaluation: RunSection) -> bool:
    """Whether a run with this digest tag is complete. A missing evaluation requires nothing."""
    first, _, second = (tag or "").partition(":")
    return first == training.digest and (not evaluation.digest or second == evaluation.digest)


def read(folder: Path, report: Path | None = None) -> RunRecord:
    """The record of the training in `folder`.

    Args:
        folder: `models/<task>/<name>/seed-<n>`.
        report: `reports/<task>` if it exists.

    Raises:
        UserError: if the folder does not hold a finished training.
    """
    run = read_run_json(folder)
    config_json, spec = files.read_json(folder / "config.json"), files.read_json(folder / "spec.json")
    return RunRecord(
        training_id=run["training_id"],
        task=run["task"],
        name=label(run),
        start_ms=int(run["started_ms"]),
        end_ms=int(run["ended_ms"]),
        tags=tags(run) | {"mlflow.runName": label(run)},
        params=params(config_json, spec, run["kind"]),
        dataset=dataset(run["dataset"], spec),
        training=training_section(folder, run),
        evaluation=evaluation_section(report, run),
        pyfunc_dir=folder / "pyfunc" if (folder / "pyfunc").is_dir() else None,
    )


def read_run_json(folder: Path) -> dict[str, Any]:
    """`run.json` of a finished training.

    Raises:
        UserError: if it is missing or the training is not finished.
    """
    try:
        run: dict[str, Any] = files.read_json(folder / "run.json")
    except (FileNotFoundError, ValueError):
        raise UserError("holds no finished training", location=str(folder), fix="run `dvc repro`") from None
    if run.get("status") != "finished":
        raise UserError(
            f"is {run.get('status')!r}",
            location=f"{folder}/run.json",
            allowed="finished",
            fix="run `dvc repro`",
        )
    return run


def label(run: Mapping[str, Any]) -> str:
    """Name of the run on the board, such as `gru-seed1`."""
    return paths.training_label(str(run["name"]), int(run["seed"]))


def tags(run: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a run from its `run.json`, without the run's name."""
    values = {
        "mlflow.source.name": f"stages/train.py {run['task']} {run['name']}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": run.get("git_commit"),
        "mlflow.user": "strokecast",
        "strokecast.training_id": run["training_id"],
        "strokecast.task": run["task"],
        "strokecast.model": run["name"],
        "strokecast.kind": run["kind"],
        "strokecast.seed": run["seed"],
        "strokecast.device": run.get("device"),
        "strokecast.precision": run.get("precision"),
        "strokecast.cudnn": run.get("cudnn"),  # per recurrent layer
        "strokecast.git_dirty": run.get("git_dirty"),
        "strokecast.dvc_stage": run.get("dvc_stage"),
        "strokecast.dvc_exp_name": run.get("dvc_exp_name"),
        "strokecast.jobs": run.get("jobs"),  # parallel stages during the training; its seconds depend on it
    }
    return {key: _text(value) for key, value in values.items() if value is not None and value != ""}


def params(config_json: Mapping[str, Any], spec: Mapping[str, Any], kind: str) -> dict[str, str]:
    """All params of a run: architecture, seed, `config.*`, `training.*`, `features.*`.

    What the spec has per class, column or series is one param with JSON: MLflow's keys allow few characters.
    """
    features = {
        key: _json(value) if key in _BY_USER_NAME else value
        for key, value in spec.items()
        if key not in _NOT_FEATURES
    }
    values: dict[str, Any] = {
        "task": config_json["task"],
        "architecture": config_json["name"],
        "kind": kind,
        "seed": config_json["seed"],
    }
    values |= dict(_flatten("config", config_json.get("config") or {}))
    values |= dict(_flatten("training", config_json.get("training") or {}))
    values |= dict(_flatten("features", features))
    return {key: _text(value) for key, value in values.items()}


def dataset(run_dataset: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, str]:
    """The input dataset in MLflow's field names. MLflow stores 36 characters of a digest."""
    profile = {key: spec[key] for key in ("counts", "splits", "length") if key in spec} | {
        "digest": run_dataset["digest"]
    }
    return {
        "name": str(run_dataset["name"]),
        "digest": str(run_dataset["digest"])[:36],
        "source_type": "local",
        "source": json.dumps({"uri": f"data/processed/{spec['task']}", "source": run_dataset["source"]}),
        "profile": json.dumps(profile, sort_keys=True),
    }


def training_section(folder: Path, run: Mapping[str, Any] | None = None) -> RunSection:
    """The training's part of a run: curves, system metrics, metrics of run.json, files and the model."""
    run = run if run is not None else read_run_json(folder)
    end_ms = int(run["ended_ms"])
    metrics = {key: {(0, end_ms, float(run[key]))} for key in RUN_JSON_METRICS if run.get(key) is not None}
    if (folder / paths.VALIDATION_SCORE).is_file():
        score = files.read_json(folder / paths.VALIDATION_SCORE)
        metrics[f"validation/{score['metric']}"] = {(0, end_ms, float(score["value"]))}
    for row in _read_csv(folder / "history.csv"):
        for key, point in curve_points(row):
            metrics.setdefault(key, set()).add(point)
    for row in _read_csv(folder / "system.csv"):
        point = (int(row["step"]), int(row["timestamp_ms"]), stored_float(row["value"]))
        metrics.setdefault(row["name"], set()).add(point)
    artifacts = {f"training/{name}": folder / name for name in FILES if (folder / name).is_file()}
    if (folder / "curves.png").is_file():
        artifacts["plots/curves.png"] = folder / "curves.png"
    total = hashlib.sha256(_hash_files(artifacts).encode())
    total.update(f"{LAYOUT} {label(run)}".encode())
    if (folder / "pyfunc").is_dir():
        total.update(files.digest_tree(folder / "pyfunc").encode())
    return RunSection(
        {key: frozenset(points) for key, points in metrics.items()}, artifacts, total.hexdigest()[:32]
    )


def evaluation_section(report: Path | None, run: Mapping[str, Any]) -> RunSection:
    """The evaluation's part of a run: test metrics, with the time of the training's end, and files in `test/`.

    Metrics of slices (`slices` in `trainings.json`) are in the file `test/metrics.json` alone.
    """
    if report is None or not (report / "trainings.json").is_file():
        return RunSection()
    entry = files.read_json(report / "trainings.json").get(run["training_id"])
    if entry is None:
        return RunSection()
    points, slices = (
        {
            metric_key(key): (0, int(run["ended_ms"]), stored_float(value))
            for key, value in entry.get(part, {}).items()
            if value is not None
        }
        for part in ("metrics", "slices")
    )
    model_report = paths.model_report_dir(report, str(run["name"]), int(run["seed"]))
    report_files = sorted(path for path in model_report.rglob("*") if path.is_file())
    artifacts = {TEST + path.relative_to(model_report).as_posix(): path for path in report_files}
    total = hashlib.sha256(json.dumps(sorted(points.items())).encode() + _hash_files(artifacts).encode())
    metrics, former = ({key: frozenset({point}) for key, point in part.items()} for part in (points, slices))
    return RunSection(metrics, artifacts, total.hexdigest()[:32], former)


def metric_key(name: str) -> str:
    """The name of a test metric as MLflow allows it: `test/` and at most 250 letters, digits and `_-. :`.

    Other characters, which the names of columns may have, are written `_x0025_` (code point in hex, as in SQL/XML),
    and so is the underscore of a text that looks like this. A longer name ends in a digest of the whole.
    """
    prefix, rest = (TEST, name.removeprefix(TEST)) if name.startswith(TEST) else ("", name)
    key = prefix + _NOT_IN_KEYS.sub(lambda match: f"_x{ord(match[0]):04X}_", rest)
    if len(key) <= _MAX_KEY_LENGTH:
        return key
    return f"{key[: _MAX_KEY_LENGTH - 33]}_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def curve_points(row: Mapping[str, Any]) -> Iterator[tuple[str, Point]]:
    """The points of one row of `history.csv`, under MLflow's names (`train_loss` → `train/loss`)."""
    step, timestamp = int(float(row["step"])), int(float(row["timestamp_ms"]))
    for column, value in row.items():
        if column in ("epoch", "step", "timestamp_ms") or value is None or value == "":
            continue
        split, _, metric = column.partition("_")
        key = f"{split}/{metric}" if split in ("train", "valid") else _RENAMED_COLUMNS.get(column, column)
        yield key, (step, timestamp, stored_float(value))


def stored_float(value: Any) -> float:
    """A float as MLflow stores it: infinite values become the largest finite ones."""
    value = float(value)
    if math.isnan(value):
        return NAN
    return max(-1.7976931348623157e308, min(1.7976931348623157e308, value))


def _read_csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _hash_files(artifacts: Mapping[str, Path]) -> str:
    return "\n".join(f"{name} {files.sha256(artifacts[name])}" for name in sorted(artifacts))


def _flatten(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(f"{prefix}.{key}", inner)
    elif not isinstance(value, Mapping):
        yield prefix, value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple) and all(isinstance(item, str) and "," not in item for item in value):
        text = ", ".join(value)
    else:
        text = _json(value)
    return text if len(text) <= MAX_PARAM_LENGTH else text[: MAX_PARAM_LENGTH - 4] + " ..."
