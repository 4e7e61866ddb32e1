"""`strokecast clean`: removes the records of abandoned trainings, i.e. unfinished ones that nothing would resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strokecast import params
from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.models.common import resolve
from strokecast.tracking import training_lock

DAYS = 7


def clean(older_than: float = DAYS, dry_run: bool = False, report: Callable[[str], None] = print) -> str:
    """Remove the records (checkpoints and run data) of abandoned trainings from `.strokecast/trainings`.

    Kept are the records that a training with the present params.yaml, code and processed data would resume, and those that a
    process is training on, whatever their age.

    Args:
        older_than: days since a record was last written to.
        dry_run: report and remove nothing.
        report: called with one line per record.

    Returns:
        One line: the number of records and their size.

    Raises:
        UserError: if params.yaml is not valid or processed data are missing: the trainings that would resume are unknown
            then.
    """
    count = size = 0
    for folder in training_lock.abandoned_records(resumable_keys(resolve.load()), older_than):
        n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if not dry_run and not training_lock.remove_record(folder):
            report(f"{folder.name}: kept, a process is training on it")
            continue
        report(f"{folder.name}: {n_bytes / 1e6:.1f} MB")
        count, size = count + 1, size + n_bytes
    action = "would be removed" if dry_run else "removed"
    return f"{count} abandoned record(s), {size / 1e6:.1f} MB, {action} from {training_lock.records_dir()}"


def resumable_keys(settings: params.Params) -> set[str]:
    """The resume keys of all trainings in params.yaml, except those of tasks without an enabled model.

    Raises:
        UserError: if processed data are missing or a config is not valid.
    """
    from strokecast.features.records import spec as specs
    from strokecast.training import distillation
    from strokecast.training.job import TrainingJob

    keys = set()
    for task in params.TASKS:
        if not settings.is_enabled(task):
            continue
        digest = str(specs.load(_processed_dir(task), task)["digest"])
        for name, entry in settings.entries(task).items():
            recipe, config = settings.recipe(task, name), entry.architecture_config
            if name == params.DISTIL and not paths.model_dirs(task, config["teacher"]):
                continue  # without its teacher it has not started
            data_digest = distillation.data_digest(task, config, digest)
            for seed in entry.seeds:
                job = TrainingJob.create(task, name, seed, config, recipe, data_digest, settings.runtime)
                keys.add(job.resume_key)
    return keys


def _processed_dir(task: str) -> Path:
    folder = paths.PROCESSED / task
    if not (folder / "spec.json").is_file():
        raise UserError(
            "no such file; without it the trainings that would resume are unknown",
            location=str(folder / "spec.json"),
            fix=f"run `dvc checkout` or `dvc repro preprocess@{task}`",
        )
    return folder
