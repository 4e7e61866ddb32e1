"""One row of the board as a pure function of a training's folder and its part of the reports.

No MLflow import: the same few files give the same row and the same digest on any machine, so a
look at the digests tells whether the board is complete.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
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
    "history.csv",
    "pretraining_history.csv",
    "system.csv",
)
OWN_METRICS = ("train/", "valid/", "system/")
OWN_ARTIFACTS = ("training/", "plots/")
FACTS = ("parameters", "train_seconds", "best_epoch", "examples_per_second")
TEST = "test/"
MAX_VALUE = 6000  # characters of a param that MLflow keeps
NAN = math.nan  # always this very object, so that points with it are found in sets
LAYOUT = 1  # raise it when rows are made otherwise from the same files: `sync` then makes them anew
_NO_FEATURE = ("task", "files", "counts", "digest", "splits", "length", "features")
_RENAMED = {"seconds": "elapsed_seconds"}


@dataclass(frozen=True)
class Half:
    """The training's half of a row, or the evaluation's.

    Attributes:
        metrics: points by metric name.
        artifacts: files by their path inside the run.
        digest: hex sha256 over all that this half is made from; "" where there is none.
    """

    metrics: Mapping[str, frozenset[Point]] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class Row:
    """All that one run on the board holds, but for the ids that MLflow assigns."""

    training_id: str
    task: str
    name: str
    start_ms: int
    end_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    dataset: Mapping[str, str]
    trained: Half
    tested: Half
    model: Path | None

    @property
    def digest(self) -> str:
        """What the tag `strokecast.digest` says of this row."""
        return digest_tag(self.trained, self.tested)


def digest_tag(trained: Half, tested: Half) -> str:
    """Both halves' digests in one tag; the second is empty before the evaluation."""
    return f"{trained.digest}:{tested.digest}"


def matches(tag: str | None, trained: Half, tested: Half) -> bool:
    """Whether a run with this digest tag holds both halves; a report that is not there asks for nothing."""
    first, _, second = (tag or "").partition(":")
    return first == trained.digest and (not tested.digest or second == tested.digest)


def read(folder: Path, report: Path | None = None) -> Row:
    """The row of the training in `folder`.

    Args:
        folder: `models/<task>/<name>/seed-<n>`.
        report: `reports/<task>`, where it exists.

    Raises:
        UserError: if the folder does not hold a finished training.
    """
    run = facts(folder)
    settings, spec = files.read_json(folder / "config.json"), files.read_json(folder / "spec.json")
    return Row(
        training_id=run["training_id"],
        task=run["task"],
        name=label(run),
        start_ms=int(run["started_ms"]),
        end_ms=int(run["ended_ms"]),
        tags=tags(run) | {"mlflow.runName": label(run)},
        params=params(settings, spec, run["kind"]),
        dataset=dataset(run["dataset"], spec),
        trained=trained(folder, run),
        tested=tested(report, run),
        model=folder / "pyfunc" if (folder / "pyfunc").is_dir() else None,
    )


def facts(folder: Path) -> dict[str, Any]:
    """`run.json` of a finished training.

    Raises:
        UserError: if it is missing or not that of a finished training.
    """
    try:
        run: dict[str, Any] = files.read_json(folder / "run.json")
    except (FileNotFoundError, json.JSONDecodeError):
        raise UserError("holds no finished training", where=str(folder), fix="run `dvc repro`") from None
    if run.get("status") != "finished":
        raise UserError(
            f"is {run.get('status')!r}", where=f"{folder}/run.json", allowed="finished", fix="run `dvc repro`"
        )
    return run


def label(run: Mapping[str, Any]) -> str:
    """Name of the run on the board, such as `gru-seed1`."""
    return paths.training_label(str(run["name"]), int(run["seed"]))


def tags(run: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a run from its `run.json` (all but the run's name)."""
    given = {
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
        "strokecast.git_dirty": run.get("git_dirty"),
        "strokecast.dvc_stage": run.get("dvc_stage"),
        "strokecast.dvc_exp_name": run.get("dvc_exp_name"),
        "strokecast.jobs": run.get("jobs"),  # stages at a time where it was trained: its seconds depend on it
    }
    return {key: _text(value) for key, value in given.items() if value is not None and value != ""}


def params(settings: Mapping[str, Any], spec: Mapping[str, Any], kind: str) -> dict[str, str]:
    """All params of a run: architecture, seed, `config.*`, `training.*`, `features.*`."""
    features = {key: value for key, value in spec.items() if key not in _NO_FEATURE}
    given: dict[str, Any] = {"task": settings["task"], "architecture": settings["name"], "kind": kind}
    given["seed"] = settings["seed"]
    given |= dict(_flat("config", settings.get("config") or {}))
    given |= dict(_flat("training", settings.get("training") or {}))
    given |= dict(_flat("features", features))
    return {key: _text(value) for key, value in given.items()}


def dataset(given: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, str]:
    """The input dataset as MLflow names its fields; MLflow keeps 36 characters of a digest."""
    profile = {key: spec[key] for key in ("counts", "splits", "length") if key in spec} | {
        "digest": given["digest"]
    }
    return {
        "name": str(given["name"]),
        "digest": str(given["digest"])[:36],
        "source_type": "local",
        "source": json.dumps({"uri": f"data/processed/{spec['task']}", "source": given["source"]}),
        "profile": json.dumps(profile, sort_keys=True),
    }


def trained(folder: Path, run: Mapping[str, Any] | None = None) -> Half:
    """What the training itself gives: curves, system metrics, facts, its own files and the model."""
    run = run if run is not None else facts(folder)
    end = int(run["ended_ms"])
    metrics = {key: {(0, end, float(run[key]))} for key in FACTS if run.get(key) is not None}
    for line in _table(folder / "history.csv"):
        for key, point in curve_points(line):
            metrics.setdefault(key, set()).add(point)
    for line in _table(folder / "system.csv"):
        point = (int(line["step"]), int(line["timestamp_ms"]), number(line["value"]))
        metrics.setdefault(line["name"], set()).add(point)
    artifacts = {f"training/{name}": folder / name for name in FILES if (folder / name).is_file()}
    if (folder / "curves.png").is_file():
        artifacts["plots/curves.png"] = folder / "curves.png"
    total = hashlib.sha256(_digest_files(artifacts).encode())
    total.update(f"{LAYOUT} {label(run)}".encode())
    if (folder / "pyfunc").is_dir():
        total.update(files.digest_tree(folder / "pyfunc").encode())
    return Half(
        {key: frozenset(points) for key, points in metrics.items()}, artifacts, total.hexdigest()[:32]
    )


def tested(report: Path | None, run: Mapping[str, Any]) -> Half:
    """What the evaluation adds: test metrics, dated by the training's end, and files under `test/`."""
    if report is None or not (report / "trainings.json").is_file():
        return Half()
    entry = files.read_json(report / "trainings.json").get(run["training_id"])
    if entry is None:
        return Half()
    point = {
        key: (0, int(run["ended_ms"]), number(value))
        for key, value in entry["metrics"].items()
        if value is not None
    }
    home = report / "models" / str(run["name"]) / f"seed-{run['seed']}"
    found = sorted(path for path in home.rglob("*") if path.is_file()) if home.is_dir() else []
    artifacts = {TEST + path.relative_to(home).as_posix(): path for path in found}
    total = hashlib.sha256(json.dumps(sorted(point.items())).encode() + _digest_files(artifacts).encode())
    return Half({key: frozenset({value}) for key, value in point.items()}, artifacts, total.hexdigest()[:32])


def curve_points(line: Mapping[str, Any]) -> Iterator[tuple[str, Point]]:
    """The points of one line of `history.csv`, under MLflow's names (`train_loss` → `train/loss`)."""
    step, timestamp = int(float(line["step"])), int(float(line["timestamp_ms"]))
    for column, value in line.items():
        if column in ("epoch", "step", "timestamp_ms") or value is None or value == "":
            continue
        split, _, rest = column.partition("_")
        key = f"{split}/{rest}" if split in ("train", "valid") else _RENAMED.get(column, column)
        yield key, (step, timestamp, number(value))


def number(value: Any) -> float:
    """A float as MLflow stores it: infinite values become the largest ones."""
    value = float(value)
    if math.isnan(value):
        return NAN
    return max(-1.7976931348623157e308, min(1.7976931348623157e308, value))


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _digest_files(artifacts: Mapping[str, Path]) -> str:
    return "\n".join(f"{name} {files.sha256(artifacts[name])}" for name in sorted(artifacts))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}", inner)
    elif not isinstance(value, Mapping):
        yield prefix, value


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        text = ", ".join(value)
    else:
        text = json.dumps(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 4] + " ..."
