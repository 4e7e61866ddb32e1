"""Records of trainings that were begun, not finished, and are no training of this workspace any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.tracking import training_lock

DAYS = 7


def clean(older_than: float = DAYS, dry_run: bool = False, tell: Callable[[str], None] = print) -> str:
    """Remove abandoned records from `.strokecast/trainings`; a line each.

    What a training of the checked-out params.yaml, code and processed data would go on from stays, and so does what a
    process trains on at this moment, whatever its age.

    Args:
        older_than: days since a record was last written to.
        dry_run: tell and remove nothing.
        tell: takes a line for each record.

    Returns:
        One line: how many there were and their size.

    Raises:
        UserError: if params.yaml holds what is not allowed, or processed data are missing: then nobody can tell which
            trainings would go on.
    """
    count = size = 0
    for folder in training_lock.abandoned_records(wanted(resolve.load()), older_than):
        bytes_ = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if not dry_run and not training_lock.remove_record(folder):
            tell(f"{folder.name}: a process trains on it, kept")
            continue
        tell(f"{folder.name}: {bytes_ / 1e6:.1f} MB")
        count, size = count + 1, size + bytes_
    done = "would be removed" if dry_run else "removed"
    return f"{count} abandoned record(s), {size / 1e6:.1f} MB, {done} from {training_lock.records_dir()}"


def wanted(settings: params.Params) -> set[str]:
    """Keys of all trainings that params.yaml names, switched off or not.

    Raises:
        UserError: if processed data are missing or a config holds what is not allowed.
    """
    from strokecast.features.records import spec as specs
    from strokecast.training.job import TrainingJob

    keys = set()
    for task in params.TASKS:
        entries = settings.entries(task)
        if not entries:
            continue
        digest = str(specs.load(_processed(task), task)["digest"])
        for name, entry in entries.items():
            recipe = settings.recipe(task, name)
            for seed in entry.seeds:
                keys.add(TrainingJob.create(task, name, seed, entry.config, recipe, digest).resume_key)
    return keys


def _processed(task: str) -> Path:
    folder = paths.PROCESSED / task
    if not (folder / "spec.json").is_file():
        raise UserError(
            "no such file, so that nobody can tell which trainings would go on",
            where=str(folder / "spec.json"),
            fix=f"run `dvc checkout` or `dvc repro preprocess@{task}`",
        )
    return folder
