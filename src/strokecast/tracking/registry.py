"""The registered models of MLflow: one per task, whose alias `champion` names the version in use.

A version is a copy of the training's pyfunc with `test_scores.parquet`, `model_card.md`, `promotion.json` and
`data_report.json` beside it, so it outlives later trainings and evaluations. Its tag `strokecast.replaced` names the version that
it replaced; `strokecast rollback` goes back to that one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params.base import DATASETS, TASKS
from strokecast.tracking import store

CHAMPION = "champion"
DATA_REPORT = "data_report.json"
MODEL_DATA = "data/model"  # in a version: the files of the training's folder
TAG = "strokecast."
_STAGING = ".registering-"
_REASON_LENGTH = 500  # characters
_DESCRIPTION_LENGTH = 5000  # characters; MLflow's limit
_TASKS_OF = {"sketches": ("classify", "watch", "draw"), "series": ("forecast",)}


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of the registered model of a task.

    Attributes:
        task: one of `strokecast.params.TASKS`.
        version: its number, from 1.
        folder: with `MLmodel` and the further files of the version.
        created_ms: ms since 1970.
        tags: of the version.
    """

    task: str
    version: int
    folder: Path
    created_ms: int
    tags: Mapping[str, str]

    def tag(self, key: str) -> str:
        """The tag `strokecast.<key>`; "" if there is none."""
        return self.tags.get(TAG + key, "")

    @property
    def label(self) -> str:
        """Training and number, such as `gru-seed1 (version 3)`; a combination has no seed."""
        return f"{self.training} (version {self.version})"

    @property
    def training(self) -> str:
        """Such as `gru-seed1`; the name of a combination."""
        seed = self.tag("seed")
        return self.tag("model") + (f"-seed{seed}" if seed else "")

    @property
    def model_dir(self) -> Path:
        """The files of the training: spec.json, config.json, the weights."""
        return self.folder / MODEL_DATA


def name(task: str) -> str:
    """The registered model of a task."""
    return f"strokecast-{task}"


def champion(task: str) -> RegisteredVersion | None:
    """The version with the alias `champion`; None if there is none.

    Raises:
        BoardError: if the board cannot be read.
        UserError: if the files of the version are gone.
    """
    place = store.current()
    place.refresh()
    number = place.alias_version(name(task), CHAMPION)
    return None if number is None else version(task, number)


def version(task: str, number: int) -> RegisteredVersion | None:
    """A version by its number; None if it does not exist or was deleted.

    Raises:
        BoardError: if the board cannot be read.
        UserError: if its files are gone.
    """
    place = store.current()
    state = place.version(name(task), number)
    if state is None:
        return None
    digest = hashlib.sha256(f"{place.uri} {state.address}".encode()).hexdigest()[:12]
    folder = place.local_folder(state.address, f"{name(task)}-{number}-{digest}")
    if not (folder / "MLmodel").is_file():
        raise UserError(
            f"the files of version {number} of {name(task)} are gone",
            location=str(folder),
            fix=f"remove its alias {CHAMPION!r} in `strokecast ui`, or promote another model",
        )
    return RegisteredVersion(task, number, folder, state.created_ms, state.tags)


@contextmanager
def exclusive(task: str, report: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other promotion or rollback of the task runs in this project, and hold them back until the block ends.

    Args:
        task: one of `strokecast.params.TASKS`.
        report: called with a line if another one runs.
    """
    from filelock import FileLock, Timeout

    folder = store.folder()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(folder / f".promotion-{task}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"another promotion of {task} is running; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def register(
    task: str,
    pyfunc_dir: Path,
    further: Mapping[str, Path],
    run_id: str | None,
    tags: Mapping[str, str],
    description: str,
) -> RegisteredVersion:
    """Create a version of the task's registered model. It is not the champion yet.

    Args:
        task: one of `strokecast.params.TASKS`.
        pyfunc_dir: the saved model.
        further: place in the version → file.
        run_id: MLflow's id of the training's run; None: the user deleted it.
        tags: key without the prefix `strokecast.` → value.
        description: in Markdown; a long one is cut.

    Raises:
        BoardError: if the board cannot be written.
    """
    version_tags = {TAG + key: value for key, value in tags.items()}
    with (
        store.writing(),
        _tracking_uri(),
        tempfile.TemporaryDirectory(dir=_work_root(), prefix=_STAGING) as work_dir,
    ):
        for stale in store.folder().glob(f"{_STAGING}*"):  # of a killed promotion; the board's lock is held
            if stale != Path(work_dir):
                shutil.rmtree(stale)
        staging = Path(work_dir) / "model"
        shutil.copytree(pyfunc_dir, staging, copy_function=files.link_or_copy)
        for place, path in further.items():
            shutil.copyfile(path, staging / place)
        client = store.client()
        experiment = client.get_experiment_by_name(store.experiment_name(task))
        assert experiment is not None  # created by store.writing
        model = client.create_logged_model(
            experiment.experiment_id, name(task), tags=version_tags, model_type=tags["kind"]
        )
        client.log_model_artifacts(model.model_id, str(staging))
        client.finalize_logged_model(model.model_id, "READY")
        if not client.search_registered_models(f"name = '{name(task)}'"):
            client.create_registered_model(
                name(task),
                {f"{TAG}task": task},
                f"Promoted models of the task {task}; `{CHAMPION}` is in use.",
            )
        created = client.create_model_version(
            name(task),
            model.artifact_location,
            run_id,
            version_tags,
            description=_cut(description),
            model_id=model.model_id,
        )
    registered = version(task, int(created.version))
    assert registered is not None  # it was created just now
    return registered


def set_champion(chosen: RegisteredVersion) -> None:
    """Make a version the champion of its task, and its data the reference of `quality.reference: champion`.

    Raises:
        BoardError: if the board cannot be written.
    """
    with store.writing():
        store.client().set_registered_model_alias(name(chosen.task), CHAMPION, str(chosen.version))
    write_references()


def set_tags(registered: RegisteredVersion, tags: Mapping[str, str]) -> None:
    """Set tags of a version.

    Args:
        registered: the version.
        tags: key without the prefix `strokecast.` → value; empty values are left out.

    Raises:
        BoardError: if the board cannot be written.
    """
    with store.writing():
        client = store.client()
        for key, value in tags.items():
            if value:
                client.set_model_version_tag(name(registered.task), str(registered.version), TAG + key, value)


def check_reason(reason: str) -> str:
    """The text of `--reason` in one line.

    Raises:
        UserError: if it is too long for a tag.
    """
    reason = " ".join(reason.split())
    if len(reason) > _REASON_LENGTH:
        raise UserError(
            f"has {len(reason)} characters", location="--reason", allowed=f"at most {_REASON_LENGTH}"
        )
    return reason


def write_references() -> None:
    """Write the validation reports of the champions' data to where `quality.reference: champion` looks for them."""
    for dataset in DATASETS:
        for task in _TASKS_OF[dataset]:
            current = champion(task)
            if current is not None and (current.folder / DATA_REPORT).is_file():
                target = paths.champion_report(dataset)
                target.parent.mkdir(parents=True, exist_ok=True)
                files.write_text(target, (current.folder / DATA_REPORT).read_text(encoding="utf-8"))
                break


def champions() -> dict[str, RegisteredVersion]:
    """Task → its champion."""
    found = {task: champion(task) for task in TASKS}
    return {task: registered for task, registered in found.items() if registered is not None}


def _work_root() -> Path:
    store.folder().mkdir(parents=True, exist_ok=True)
    return store.folder()


@contextmanager
def _tracking_uri() -> Iterator[None]:
    """MLflow's registry looks models up in the store of the process: that is the board for the length of the block."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")  # `set_tracking_uri` changes it, too
    mlflow.set_tracking_uri(store.uri())
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # as if it had never been set
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


def _cut(description: str) -> str:
    note = "\n\n(cut; the whole card is model_card.md of this version)"
    if len(description) <= _DESCRIPTION_LENGTH:
        return description
    return description[: _DESCRIPTION_LENGTH - len(note)] + note
