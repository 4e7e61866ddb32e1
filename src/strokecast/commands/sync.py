"""The board completed for every training that this workspace holds; under a second when nothing is missing.

MLflow is imported only where a run has to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from strokecast import params
from strokecast.common import files, paths
from strokecast.tracking import run_record, store


def sync(restore: bool = False, tell: Callable[[str], None] = print) -> str:
    """Make the board complete and report inputs that changed.

    Marks runs whose process is gone as KILLED, adds every run that is missing or incomplete, builds missing Data Docs, and tells
    of local inputs that changed since they were downloaded.

    Args:
        restore: bring back runs that the user deleted.
        tell: takes lines that are worth saying besides the last one.

    Returns:
        One line: how many trainings there are and how many were added.

    Raises:
        UserError: if params.yaml holds anything that is not allowed.
    """
    settings = params.load()
    lost = mark_lost()
    if lost:
        tell(f"{lost} training(s) marked as KILLED: their process is gone")
    total = added = hidden = 0
    broken = []
    state = store.board_state()
    for folder, report in trainings(settings):
        run = files.read_json(folder / "run.json")
        if run.get("status") == "failed":
            broken.append(run_record.label(run))
        if run.get("status") != "finished":
            continue
        total += 1
        known = state.get(run["training_id"])
        if known is not None and known.lifecycle != "active" and not restore:
            hidden += 1
        elif restore or not _complete(known, folder, report, run):
            from strokecast.tracking import board

            board.ensure_run(folder, report, restore=restore, verify=known is not None)
            added += known is None or known.lifecycle != "active"
    if broken:
        tell(f"passed over, as the training failed: {', '.join(broken)}")
    _look_after(settings, tell)
    note = f" ({hidden} deleted by hand; `strokecast sync --restore` brings them back)" if hidden else ""
    return f"board complete: {total} trainings, {added} added{note}; open it with `make ui`"


def trainings(settings: params.Params) -> Iterator[tuple[Path, Path]]:
    """(folder, its task's reports) of every training that params.yaml names, is switched on, and is there."""
    for task in params.TASKS:
        for name, entry in settings.entries(task).items():
            for seed in entry.seeds if entry.enabled else ():
                folder = paths.model_dir(task, name, seed)
                if (folder / "run.json").is_file():
                    yield folder, paths.REPORTS / task


def mark_lost() -> int:
    """Mark RUNNING runs whose process is gone as KILLED; returns how many."""
    waiting = store.running_runs()
    if not waiting:
        return 0
    from strokecast.tracking import tracked_run

    lost = [run_id for run_id, process in waiting if not tracked_run.is_alive(process)]
    for run_id in lost:
        tracked_run.terminate(run_id, "KILLED", "its process is gone")
    return len(lost)


def _complete(known: store.RunState | None, folder: Path, report: Path, run: Mapping[str, object]) -> bool:
    if known is None or known.status != "FINISHED" or not known.artifact_dir.is_dir():
        return False
    training = run_record.training_section(folder, run)
    evaluation = run_record.evaluation_section(report, run)
    return run_record.digest_matches(known.digest, training, evaluation)


def _look_after(settings: params.Params, tell: Callable[[str], None]) -> None:
    from strokecast.sources import registry as sources
    from strokecast.validation import data_docs

    for dataset in params.DATASETS:
        warning = sources.stale(dataset, settings, paths.RAW / dataset)
        if warning:
            tell(f"warning: {warning}")
        if Path.cwd().resolve() == paths.board_root() and data_docs.rebuild(dataset):
            tell(f"built the Data Docs of {dataset} again: {data_docs.folder(dataset)}/index.html")
