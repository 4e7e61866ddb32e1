"""What every store of the board offers: the names on the board, the state of runs, and the interface `Store`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from strokecast.common import environment, paths

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from mlflow import MlflowClient

ID = "strokecast.training_id"
DIGEST = "strokecast.digest"
SUPERSEDED = "strokecast.superseded"
FAILURE = "strokecast.failure"
PROCESS = ("strokecast.host", "strokecast.pid", "strokecast.pid_started")

_LOCK_TIMEOUT = 120  # seconds; longer than any upload takes


@dataclass(frozen=True)
class RunState:
    """State of one run on the board.

    Attributes:
        lifecycle: `active`, or `deleted`, which MLflow can undo.
        has_process: whether it names the process that trains it.
    """

    run_id: str
    lifecycle: str
    status: str
    digest: str | None
    artifact_uri: str
    name: str
    has_process: bool = False

    @property
    def is_active(self) -> bool:
        """False: the run was deleted, which MLflow can undo."""
        return self.lifecycle == "active"


@dataclass
class RunContents:
    """Names and numbers of what one run holds.

    Attributes:
        params, tags: names as keys.
        points: number of points by metric; None if the store cannot count them.
        latest: step of the last point by metric.
        datasets: `<name>\\n<digest>` as keys.
        models: number of params of each logged model that is ready and linked to the run, by the address of its files.
        model_metrics: number of metrics of these models, by the same address.
    """

    params: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] | None = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    model_metrics: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionState:
    """A version of a registered model: the address of its files, its creation in ms since 1970, its tags."""

    address: str
    created_ms: int
    tags: Mapping[str, str]


def folder() -> Path:
    """Absolute path of `mlruns/`, or of the folder that it is a link to: clones that share a board address it alike."""
    path = paths.board_root() / "mlruns"
    return path.resolve() if path.is_dir() else path


def experiment_name(task: str) -> str:
    """The MLflow experiment of a task."""
    return f"strokecast-{task}"


def lock() -> BaseFileLock:
    """The board's lock, for `with`. Hold it from reading the board until the write that depends on it.

    It lies in `.strokecast/`, or in a board that several clones share by links. Other computers do not see it.
    """
    from filelock import FileLock

    is_shared = (paths.board_root() / "mlruns").is_symlink()
    lock_dir = folder() if is_shared else paths.board_root() / ".strokecast"
    lock_dir.mkdir(parents=True, exist_ok=True)
    return FileLock(str(lock_dir / "board.lock"), timeout=_LOCK_TIMEOUT)


def chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    """`items` in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class Store(ABC):
    """A place for the board: how its runs and files are read. Writes go through MLflow's client, for every store alike.

    Every method raises a BoardError if the store cannot be read or written at this moment.
    """

    is_local: ClassVar[bool]

    @property
    @abstractmethod
    def uri(self) -> str:
        """MLflow's tracking URI; does not touch disk or network."""

    @abstractmethod
    def one_line(self) -> AbstractContextManager[None]:
        """Turn every error of MLflow, the store and the file system inside the block into a BoardError of one line."""

    @abstractmethod
    def initialise(self) -> None:
        """Create what is missing: the store and the experiments of all tasks."""

    @abstractmethod
    def refresh(self) -> None:
        """Bring the store up to date before a command reads it; creates none."""

    @abstractmethod
    def check_writable(self) -> None:
        """Check that the store can be written, without a change."""

    @abstractmethod
    def training_runs(self, training_id: str = "") -> list[tuple[str, RunState]]:
        """(training_id, run) of all runs that are not superseded: deleted ones first, in the order of their deletion.

        Args:
            training_id: of the only training that counts; "": of all.
        """

    @abstractmethod
    def running_runs(self) -> list[tuple[str, dict[str, str]]]:
        """(run_id, process tags) of the active runs with status RUNNING that name their process."""

    @abstractmethod
    def finished_runs(self) -> dict[str, tuple[str, list[str]]]:
        """Task → (id of its experiment, ids of its active finished runs, the oldest first)."""

    @abstractmethod
    def contents(self, run_ids: Iterable[str]) -> dict[str, RunContents]:
        """The contents of runs by run id; ids that the board does not have have empty contents."""

    @abstractmethod
    def has_model(self, name: str) -> bool:
        """Whether there is a registered model of this name."""

    @abstractmethod
    def alias_version(self, name: str, alias: str) -> int | None:
        """The version of a registered model that has the alias; None if there is none."""

    @abstractmethod
    def version(self, name: str, number: int) -> VersionState | None:
        """A version of a registered model; None if it does not exist or was deleted."""

    @abstractmethod
    def file_sizes(self, address: str) -> dict[str, int]:
        """Bytes of every file at an address of the board by its relative path; empty if there is none."""

    @abstractmethod
    def differs(self, address: str, files: Mapping[str, Path], thorough: bool) -> bool:
        """Whether stored files are missing or differ from local ones. Those on a server are compared by size if not `thorough`.

        Args:
            address: of the board.
            files: path of each stored file below `address` → local file.
            thorough: compare every byte.
        """

    @abstractmethod
    def local_folder(self, address: str, key: str) -> Path:
        """A local folder with the files at an address; they are copied once if the store is elsewhere.

        Args:
            address: of the board.
            key: name of the copy; the files behind it never change.
        """

    @abstractmethod
    def remove_part(self, address: str) -> None:
        """Free what a failed upload took, if this process can."""

    @abstractmethod
    def artifact_location(self, experiment: str) -> str | None:
        """Where the artifacts of a new experiment are stored; None: the server decides."""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the board's lock, with the store and its experiments in place and writable.

        Raises:
            BoardError: instead of any error of MLflow, the store or the file system inside the block.
        """
        with self.one_line():
            self.initialise()
            with lock():
                self.check_writable()
                yield

    def client(self) -> MlflowClient:
        """A client of the board, without MLflow's log messages.

        Raises:
            BoardError: if the store belongs to another MLflow version or is damaged.
        """
        environment.quiet()
        import logging

        from mlflow import MlflowClient

        for logger in ("alembic", "mlflow"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # it raises what it logs
        with self.one_line():
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
