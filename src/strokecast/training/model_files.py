"""The files of a trained model that do not depend on its kind: history.csv, config.json and spec.json."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from strokecast.common.files import new_file, write_json
from strokecast.training import guards
from strokecast.training.job import TrainingJob

COLUMNS = ("epoch", "step", "timestamp_ms", "seconds", "learning_rate", "train_loss", "valid_loss")
ACCURACIES = ("train_accuracy", "valid_accuracy")
PRETRAINING_HISTORY = "pretraining_history.csv"


def columns(task: str) -> tuple[str, ...]:
    """The columns of `history.csv`."""
    return COLUMNS + (ACCURACIES if task in ("classify", "watch") else ())


def write_history(
    folder: Path, file_name: str, names: Sequence[str], rows: Sequence[Mapping[str, float | int]]
) -> None:
    """Write the rows of a training, one per epoch, to `folder`; models without a network have none."""
    with (
        guards.disk(folder / file_name),
        new_file(folder / file_name) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_config_and_spec(folder: Path, job: TrainingJob, processed: Path) -> None:
    """Write the settings of a training to `folder`, and copy spec.json of its data."""
    write_json(folder / "config.json", job.to_json())
    shutil.copyfile(processed / "spec.json", folder / "spec.json")
