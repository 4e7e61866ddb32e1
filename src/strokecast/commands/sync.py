"""`strokecast sync`: completes the MLflow board for every training of this workspace.

MLflow is imported only if a run has to be written: a sync without changes takes less than a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from strokecast import params
from strokecast.common import files, paths
from strokecast.tracking import run_record, store


def sync(restore: bool = False, report: Callable[[str], None] = print) -> str:
    """Complete the board.

    Marks runs whose process has ended as KILLED, adds missing and incomplete runs, builds missing Data Docs, and reports
    local inputs that changed since they were downloaded.

    Args:
        restore: bring back runs that the user deleted.
        report: called with each further line for the user.

    Returns:
        One line: the number of trainings and the number of added runs.

    Raises:
        UserError: if params.yaml is not valid. Configs of architectures are not checked: the stage `params` does that.
    """
    settings = params.load()
    killed = mark_killed_runs()
    if killed:
        report(f"{killed} training(s) marked as KILLED: their process has ended")
    total = added = deleted = 0
    failed = []
    runs = store.board_state()
    for folder, report_dir in trainings(settings):
        run = files.read_json(folder / "run.json")
        if run.get("status") == "failed":
            failed.append(run_record.label(run))
        if run.get("status") != "finished":
            continue
        total += 1
        state = runs.get(run["training_id"])
        if state is not None and state.lifecycle != "active" and not restore:
            deleted += 1
        elif restore or not _is_complete(state, folder, report_dir, run):
            from strokecast.tracking import board

            board.ensure_run(folder, report_dir, restore=restore, verify=state is not None)
            added += state is None or state.lifecycle != "active"
    if failed:
        report(f"skipped, because the training failed: {', '.join(failed)}")
    _check_inputs(settings, report)
    _build_data_docs(report)
    note = f" ({deleted} deleted by hand; `strokecast sync --restore` brings them back)" if deleted else ""
    return f"board complete: {total} trainings, {added} added{note}; open it with `make ui`"


def trainings(settings: params.Params) -> Iterator[tuple[Path, Path]]:
    """(model folder, report folder of its task) of every existing training of an enabled model in params.yaml."""
    for task in params.TASKS:
        for name, entry in settings.entries(task).items():
            for seed in entry.seeds if entry.enabled else ():
                folder = paths.model_dir(task, name, seed)
                if (folder / "run.json").is_file():
                    yield folder, paths.REPORTS / task


def mark_killed_runs() -> int:
    """Mark RUNNING runs whose process has ended as KILLED; returns their number."""
    running = store.running_runs()
    if not running:
        return 0
    from strokecast.tracking import tracked_run

    killed = [run_id for run_id, process in running if not tracked_run.is_alive(process)]
    for run_id in killed:
        tracked_run.terminate(run_id, "KILLED", "its process has ended")
    return len(killed)


def _is_complete(
    state: store.RunState | None, folder: Path, report_dir: Path, run: Mapping[str, object]
) -> bool:
    if state is None or state.status != "FINISHED" or not state.artifact_dir.is_dir():
        return False
    training = run_record.training_section(folder, run)
    evaluation = run_record.evaluation_section(report_dir, run)
    return run_record.digest_matches(state.digest, training, evaluation)


def _check_inputs(settings: params.Params, report: Callable[[str], None]) -> None:
    """Report local inputs that changed since they were downloaded."""
    from strokecast.sources import registry as sources

    for dataset in params.DATASETS:
        warning = sources.stale(dataset, settings, paths.RAW / dataset)
        if warning:
            report(f"warning: {warning}")


def _build_data_docs(report: Callable[[str], None]) -> None:
    """Build missing Data Docs, except in a temporary copy of the project (`dvc exp run --temp`)."""
    from strokecast.validation import data_docs

    if Path.cwd().resolve() != paths.board_root():
        return
    for dataset in params.DATASETS:
        if data_docs.rebuild(dataset):
            report(f"rebuilt the Data Docs of {dataset}: {data_docs.folder(dataset)}/index.html")
