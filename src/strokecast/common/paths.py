"""The folders of data, models and reports, relative to the project root (the folder of `dvc.yaml`)."""

from __future__ import annotations

import os
from pathlib import Path

SETTINGS = Path("data/params")
CODE = Path("data/code")
RAW = Path("data/raw")
VALIDATED = Path("data/validated")
PROCESSED = Path("data/processed")
MODELS = Path("models")
JUDGE = Path("models/judge")
REPORTS = Path("reports")
PARAMS = Path("params.yaml")
SEARCHES = Path("searches")
VALIDATION_SCORE = "validation.json"  # in the folder of a training
VALIDATION_FORECASTS = "validation_forecasts.npz"  # in the folder of a forecaster's training


def board_root() -> Path:
    """Absolute folder of `mlruns/` and `.strokecast/`.

    `dvc exp run --temp` and queue workers run stages in a temporary copy of the project. DVC sets
    `DVC_ROOT` to the original there, so that all of them log to one board.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()


def training_label(name: str, seed: int) -> str:
    """Name of one training on the board and in messages, such as `gru-seed1`."""
    return f"{name}-seed{seed}"


def model_dir(task: str, name: str, seed: int, models: Path = MODELS) -> Path:
    """Folder of one training: `models/<task>/<name>/seed-<n>`."""
    return models / task / name / f"seed-{seed}"


def model_dirs(task: str, name: str, models: Path = MODELS) -> list[Path]:
    """The existing folders of a model, one per seed, lowest seed first."""
    seeds = [path.name.removeprefix("seed-") for path in (models / task / name).glob("seed-*")]
    return [model_dir(task, name, seed, models) for seed in sorted(int(s) for s in seeds if s.isdecimal())]


def model_report_dir(report: Path, name: str, seed: int) -> Path:
    """Folder of one training in its task's report: `reports/<task>/models/<name>/seed-<n>`."""
    return report / "models" / name / f"seed-{seed}"


def champion_report(dataset: str) -> Path:
    """The validation report of the data that a champion was trained on, for `quality.reference: champion`.

    Args:
        dataset: `sketches` or `series`.
    """
    return board_root() / "mlruns/champions" / f"{dataset}.json"
