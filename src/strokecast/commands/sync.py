"""`strokecast sync`: completes the MLflow board for every training of this workspace.

MLflow is imported only if a run has to be written or the board is on a server: without changes, a sync of the board in
`mlruns/` takes less than a second.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.tracking import board_contents, champion_records, repair, run_record, store, training_lock
from strokecast.tracking.store_base import RunContents

if TYPE_CHECKING:
    from strokecast.features.records.spec import ForecastSpec
    from strokecast.models.statistical.foundation import FoundationForecaster


def sync(restore: bool = False, report: Callable[[str], None] = print, ended_host: str = "") -> str:
    """Complete the board.

    Marks runs whose process has ended as KILLED, removes duplicates, adds missing runs, lost parts and lost champions,
    removes the records of trainings that dvc.lock names, builds missing Data Docs, and reports local inputs that changed
    since they were downloaded.

    Args:
        restore: bring back runs that the user deleted, compare every value of every run with the files, and make a damaged
            board again.
        report: called with each further line for the user.
        ended_host: name of a computer whose trainings have all ended: its RUNNING runs are marked as KILLED, too.

    Returns:
        One line: the number of trainings and the number of added runs.

    Raises:
        BoardError: if the board is damaged or cannot be written.
        UserError: if params.yaml is not valid, or a model folder is damaged. Configs of architectures are not checked: the
            stage `params` does that.
    """
    settings = params.load()
    if restore:
        repair.move_damaged_board(report)
    store.current().refresh()
    killed, elsewhere = mark_killed_runs(ended_host)
    if killed:
        report(f"{killed} training(s) marked as KILLED: their process has ended")
    for host, count in sorted(elsewhere.items()):
        report(
            f"{count} training(s) RUNNING on {host!r}; if that computer has stopped or was renamed: "
            f"`strokecast sync --ended-host {shlex.quote(host)}`"
        )
    repair.remove_duplicates(report)
    total = added = deleted = 0
    failed = []
    runs = store.board_state()
    contents = store.current().contents(state.run_id for state in runs.values() if state.is_active)
    for folder, report_dir in trainings(settings):
        run = files.read_json(folder / "run.json")
        if run.get("status") == "failed":
            failed.append(run_record.label(run))
        if run.get("status") != "finished":
            continue
        total += 1
        state = runs.get(run["training_id"])
        if state is not None and not state.is_active and not restore:
            deleted += 1
            continue
        added += state is None or not state.is_active
        _ensure_run(folder, report_dir, state, contents, restore, report)
    if added and not store.current().is_local:
        repair.remove_duplicates(
            report
        )  # of two computers that add the same trainings, the later one sees both runs
    if failed:
        report(f"skipped, because the training failed: {', '.join(failed)}")
    champion_records.restore(report)
    training_lock.remove_recorded()
    check_inputs(settings, report)
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


def mark_killed_runs(ended_host: str = "") -> tuple[int, Counter[str]]:
    """Mark RUNNING runs whose process has ended as KILLED. Those of other computers may be alive, and are left alone.

    Args:
        ended_host: another computer whose runs have ended, too.

    Returns:
        The number of marked runs, and the number of RUNNING runs per other computer.
    """
    running = store.running_runs()
    elsewhere: Counter[str] = Counter()
    if not running:
        return 0, elsewhere
    from strokecast.tracking import board, process_tags

    killed = 0
    for run_id, process in running:
        host = process_tags.other_host(process)
        if host and host != ended_host:
            elsewhere[host] += 1
        elif host or not process_tags.is_alive(process):
            board.terminate(run_id, "KILLED", "its process has ended")
            killed += 1
    return killed, elsewhere


def _ensure_run(
    folder: Path,
    report_dir: Path,
    state: store.RunState | None,
    contents: Mapping[str, RunContents],
    restore: bool,
    report: Callable[[str], None],
) -> None:
    """Add a training's run, or what it lacks; reports what was lost from a run that had been complete."""
    record = _read_record(folder, report_dir)
    lost: list[str] = []
    if state is not None and state.is_active:
        unfinished = state.status != "FINISHED" or not run_record.digest_matches(
            state.digest, record.training, record.evaluation
        )
        if not unfinished:
            lost = board_contents.missing(contents[state.run_id], record, state.artifact_uri)
        if not (restore or unfinished or lost):
            return
    from strokecast.tracking import board

    run_id = board.ensure_run(folder, report_dir, restore=restore, verify=state is not None)
    if lost:
        report(f"{record.name}: the run had lost {', '.join(lost)}; it is complete again")
    elif restore and state is not None and run_id != state.run_id:
        report(f"{record.name}: the run differed from {folder}; it was made again")


def _read_record(folder: Path, report_dir: Path) -> run_record.RunRecord:
    try:
        return run_record.read(folder, report_dir)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the files of this training are damaged: {type(error).__name__}: {error}",
            location=str(folder),
            fix="run `dvc checkout --force models reports`, or delete the folder and run `dvc repro`",
        ) from None


def check_inputs(settings: params.Params, report: Callable[[str], None]) -> None:
    """Report local inputs that changed: files since they were downloaded, the model of `foundation` since its training."""
    from strokecast.sources import registry as sources

    for dataset in params.DATASETS:
        warning = sources.stale(dataset, settings, paths.RAW / dataset)
        if warning:
            report(f"warning: {warning}")
    for folder in paths.model_dirs("forecast", "foundation"):
        if (folder / "model.json").is_file() and (error := _pretrained(folder).changed()):
            report(f"warning: {error}")


def _pretrained(folder: Path) -> FoundationForecaster:
    """The row of a pretrained model, whose weights lie outside of the project's data."""
    from strokecast.features.records import spec as specs
    from strokecast.features.timeseries import series_spec
    from strokecast.inference import networks

    spec = cast("ForecastSpec", specs.read(folder))
    model: FoundationForecaster = networks.load_statistical(folder, series_spec.names(spec)[0])
    return model


def _build_data_docs(report: Callable[[str], None]) -> None:
    """Build missing Data Docs, except in a temporary copy of the project (`dvc exp run --temp`)."""
    from strokecast.validation import data_docs

    if Path.cwd().resolve() != paths.board_root():
        return
    for dataset in params.DATASETS:
        if data_docs.rebuild(dataset):
            report(f"rebuilt the Data Docs of {dataset}: {data_docs.folder(dataset)}/index.html")
