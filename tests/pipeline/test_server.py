"""The board on an MLflow server with PostgreSQL: equal to the local one, and complete after the server was gone."""

from __future__ import annotations

import datetime
import json
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.slow

TRAINING_WAITS = 600  # seconds
EPOCHS = 120  # so many that a kill at the first comes before the last


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def postgresql_bin() -> Path | None:
    """The folder of PostgreSQL's programs; None if it is not installed."""
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # Debian has them on no PATH
    return Path(found).parent if found else folders[-1] if folders else None


@dataclass
class Process:
    """A program that runs until it is killed; `ready` says whether it answers."""

    command: list[str]
    ready: Callable[[], bool]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers. PostgreSQL refuses as long as a process of a killed one exists."""
        deadline = time.monotonic() + 120
        while not self._run():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.command[0]} does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.5)

    def _run(self) -> bool:
        """Whether it answers and has not ended before."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self.user,
                env=os.environ | self.environment,
                cwd=self.log.parent,
            )
        while self._process.poll() is None:
            if self.ready():
                return True
            time.sleep(0.2)
        return False

    def kill(self) -> None:
        """Kill it with all its processes."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@dataclass
class Servers:
    """Both programs, and their addresses."""

    database: Process
    server: Process
    database_uri: str
    uri: str

    def start(self) -> None:
        """Start both."""
        self.database.start()
        self.server.start()

    def kill(self) -> None:
        """Kill both."""
        self.server.kill()
        self.database.kill()


def create_servers(folder: Path, bin_dir: Path) -> Servers:
    """Servers with an empty database and no artifacts. PostgreSQL refuses to run as root: then it runs as another user.

    Args:
        folder: an empty folder that every user may enter.
        bin_dir: PostgreSQL's programs.
    """
    user = None
    data = folder / "postgresql"
    data.mkdir()
    if os.getuid() == 0:
        user = next(name for name in ("postgres", "nobody") if _exists(name))
        shutil.chown(data, user)
    initdb = [
        str(bin_dir / "initdb"),
        "-D",
        str(data),
        "-U",
        "mlflow",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=data)
    database_port, port = free_port(), free_port()
    options = ["-p", str(database_port), "-k", str(data), "-h", "127.0.0.1", "-F"]
    database = Process(
        [str(bin_dir / "postgres"), "-D", str(data), *options],
        lambda: _accepts(database_port),
        folder / "postgresql.log",
        user=user,
    )
    database_uri = f"postgresql+psycopg2://mlflow@127.0.0.1:{database_port}/postgres"
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--workers", "1"]
    server = Process(
        command,
        lambda: _answers(f"{uri}/health"),
        folder / "mlflow.log",
        {
            "MLFLOW_BACKEND_STORE_URI": database_uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven processes that no test needs
        },
    )
    return Servers(database, server, database_uri, uri)


def open_folder() -> Path:
    """A new folder that every user may enter; pytest's belong to one user."""
    folder = Path(tempfile.mkdtemp(prefix="strokecast-server-"))
    folder.chmod(0o755)
    return folder


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


@pytest.fixture(scope="module")
def running() -> Iterator[Servers]:
    """Servers that the tests of this file share; each test starts what it has killed."""
    bin_dir = postgresql_bin()
    if bin_dir is None:
        pytest.skip("PostgreSQL is not installed; .ci/run installs it")
    folder = open_folder()
    pair = create_servers(folder, bin_dir)
    try:
        pair.start()
        yield pair
    finally:
        pair.kill()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_board_on_a_server_equals_the_local_one(project: Any, running: Servers) -> None:
    local = project.board()
    project.variables = {"MLFLOW_TRACKING_URI": running.uri}
    assert f"{len(local)} added" in project.run("strokecast", "sync").stdout
    assert project.board() == local
    again = project.run("strokecast", "sync")
    assert ("0 added" in again.stdout, again.stderr) == (True, "")
    assert project.board() == local
    assert project.repro() == ["sync"]
    restored = project.run("strokecast", "sync", "--restore").stdout
    assert f"board complete: {len(local)} trainings, 0 added" in restored
    assert "made again" not in restored
    page = project.run("strokecast", "ui").stdout
    assert page.startswith(f"MLflow board: {running.uri} (from MLFLOW_TRACKING_URI)\n")
    assert f"{running.uri}/#/experiments/" in page


def test_a_database_without_a_server_holds_the_board(project: Any, running: Servers) -> None:
    local = project.board()
    address = f"{running.database_uri.rpartition('/')[0]}/direct"
    create = "import sys, sqlalchemy as s; c = s.create_engine(sys.argv[1], isolation_level='AUTOCOMMIT').connect()"
    project.run(
        sys.executable, "-c", f"{create}; c.execute(s.text('CREATE DATABASE direct'))", running.database_uri
    )
    project.variables = {"MLFLOW_TRACKING_URI": address}
    added = project.run("strokecast", "sync")
    assert (f"{len(local)} added" in added.stdout, added.stderr) == (True, "")
    assert project.board() == local


def test_a_champion_on_a_server_is_copied_to_this_computer(project: Any, running: Servers) -> None:
    project.variables = {"MLFLOW_TRACKING_URI": running.uri}
    script = (
        "from pathlib import Path; from strokecast.tracking import registry\n"
        "tags = {'kind': 'network', 'model': 'linear', 'seed': '1', 'training_id': 'x'}\n"
        "place = Path('models/forecast/linear/seed-1/pyfunc')\n"
        "registry.set_champion(registry.register('forecast', place, {}, None, tags, 'card'))\n"
        "champion = registry.champion('forecast')\n"
        "print(champion.label, champion.folder.relative_to(Path.cwd()).parent, (champion.folder / 'MLmodel').is_file())"
    )
    output = project.run(sys.executable, "-c", script).stdout
    assert output == "linear-seed1 (version 1) .strokecast/versions True\n"


def test_two_computers_that_add_a_training_leave_one_run(
    built: Any, tmp_path: Path, running: Servers
) -> None:
    clones = [built.copy(tmp_path / name) for name in ("first", "second")]
    for clone in clones:
        clone.variables = {"MLFLOW_TRACKING_URI": running.uri}
        for path in (clone.root / "models").rglob("run.json"):
            run = json.loads(path.read_text())
            if "training_id" in run:
                run["training_id"] = f"twice-{run['training_id'][6:]}"  # no other test adds these
                path.unlink()
                path.write_text(json.dumps(run))
    syncs = [clone.popen("strokecast", "sync", stderr=subprocess.PIPE) for clone in clones]
    for sync in syncs:
        _, errors = sync.communicate(timeout=300)
        assert "Traceback" not in errors
    clones[0].run("strokecast", "sync")
    board = clones[0].board()  # fails if a training has two active runs
    assert clones[0].training_ids() <= set(board)
    assert {board[key]["status"] for key in clones[0].training_ids()} == {"FINISHED"}


@pytest.mark.parametrize("killed", ["server", "database"])
def test_a_training_whose_server_is_killed_is_complete_after_sync(
    project: Any, running: Servers, killed: str
) -> None:
    from mlflow import MlflowClient

    project.variables = {"MLFLOW_TRACKING_URI": running.uri}
    project.run("strokecast", "sync")
    before = project.board()
    units = 9 if killed == "server" else 10

    def longer(values: Any) -> None:
        config = {"units": units, "layers": 1}
        values["models"]["classify"]["gru"].update(training={"epochs": EPOCHS}, config=config)

    project.edit_params(longer)
    process: Process = getattr(running, killed)
    repro = project.popen("dvc", "repro", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        training_id = wait_for_epoch(MlflowClient(running.uri), set(before))
        process.kill()
        output, errors = repro.communicate(timeout=TRAINING_WAITS)
    finally:
        repro.kill()
        process.kill()
        process.start()
    assert repro.returncode != 0, "sync says that the board is not complete"
    assert "Traceback" not in output + errors
    warnings = [line for line in errors.splitlines() if line.startswith("warning: ")]
    assert len([line for line in warnings if line.startswith("warning: live curves stop here")]) == 1, errors
    assert training_id in project.training_ids(), "trained to its end"
    project.repro()
    board = project.board()
    assert {key: board[key] for key in before} == before
    assert project.training_ids() <= set(board)
    assert board[training_id]["status"] == "FINISHED"
    assert len(board[training_id]["histories"]["train/loss"]) == EPOCHS
    on_server = board[training_id]
    project.variables = {}
    project.run("strokecast", "sync")
    assert project.board()[training_id] == on_server, "the same run as on the local board"


def wait_for_epoch(client: MlflowClient, previous: set[str]) -> str:
    """Wait until a new training has logged an epoch to the server; returns its training_id."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    deadline = time.monotonic() + TRAINING_WAITS
    while time.monotonic() < deadline:
        for run in client.search_runs(experiments, "attributes.status = 'RUNNING'"):
            training_id = str(run.data.tags["strokecast.training_id"])
            if "train/loss" in run.data.metrics and training_id not in previous:
                return training_id
        time.sleep(0.2)
    raise AssertionError("no training logged an epoch")


TUNE = [
    "--task",
    "forecast",
    "--model",
    "ridge",
    "--trials",
    "12",
    "--folds",
    "2",
    "--sampler",
    "random",
    "--pruner",
    "none",
]


@pytest.fixture
def series_project(tmp_path: Path) -> Path:
    """A project with nothing but a processed series of 400 days and `ridge`."""
    from strokecast.features.timeseries import forecast
    from strokecast.params import ForecastFeatures

    root = tmp_path / "project"
    validated = root / "data/validated/series"
    validated.mkdir(parents=True)
    (root / "dvc.yaml").touch()
    (root / "params.yaml").write_text(
        "features:\n"
        "  forecast: {input_size: 28, horizon: 3, lags: [], holiday_country: null}  # short\n"
        "models: {forecast: {ridge: {config: {lags: 14, weeks: [2], l2: 900.0}}}}  # kept\n"
    )
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=n) for n in range(400)]
    values = 100 + 30 * np.sin(np.arange(400) * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=400)
    pq.write_table(pa.table({"ds": pa.array(days, pa.date32()), "y": values}), validated / "series.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "csv"}))
    settings = ForecastFeatures(input_size=28, horizon=3, lags=(), holiday_country=None)
    forecast.preprocess(validated, root / "data/processed/forecast", settings)
    return root


def test_processes_share_a_search_and_lose_no_trial(series_project: Path, running: Servers) -> None:
    import optuna
    import sqlalchemy

    from strokecast.common.errors import UserError
    from strokecast.tuning.storage import open_storage

    of_mlflow = running.database_uri.replace("+psycopg2", "")
    with pytest.raises(UserError, match="the database belongs to another program, such as MLflow"):
        open_storage(of_mlflow, lambda study, trial: None)
    engine = sqlalchemy.create_engine(running.database_uri, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE tune"))
    address = f"{of_mlflow.rpartition('/')[0]}/tune"
    command = [sys.executable, "-m", "strokecast.commands.cli", "tune", *TUNE]
    command += ["--storage", address]
    searches = [
        subprocess.Popen(
            command, cwd=series_project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    victim, *others = searches
    storage = open_storage(address, lambda study, trial: None)

    def trials() -> list[Any]:
        names = [study.study_name for study in storage.get_all_studies()]
        return optuna.load_study(study_name=names[0], storage=storage).trials if names else []

    deadline = time.monotonic() + TRAINING_WAITS
    while not any(
        trial.state.name == "RUNNING"
        and trial.user_attrs.get("process", {}).get("strokecast.pid") == str(victim.pid)
        for trial in trials()
    ):
        assert victim.poll() is None, victim.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    victim.kill()
    victim.communicate()
    printed = [search.communicate(timeout=TRAINING_WAITS) for search in others]
    assert [search.returncode for search in others] == [0, 0], printed
    complete = [trial for trial in trials() if trial.state.name == "COMPLETE"]
    assert len(complete) == 12
    values = [tuple(sorted(trial.params.items())) for trial in complete]
    assert len(set(values)) == 12
    lost = [trial for trial in trials() if trial.state.name == "FAIL" and not trial.user_attrs.get("surplus")]
    assert len(lost) <= 1
    for trial in lost:  # killed before it had all its values, perhaps
        assert any(set(trial.params.items()) <= set(one) for one in values)
    assert any("12 trials, best MAE of the folds" in out for out, _ in printed)
    _check_runs(series_project, {str(trial.number) for trial in complete})
    again = subprocess.run(
        [*command, "--apply"], cwd=series_project, capture_output=True, text=True, check=True
    )
    assert "+models: {forecast: {ridge: {config: {lags: " in again.stdout
    text = (series_project / "params.yaml").read_text()
    assert text.count("# kept") == text.count("# short") == 1
    assert len([trial for trial in trials() if trial.state.name == "COMPLETE"]) == 12


def _check_runs(root: Path, numbers: set[str]) -> None:
    """One finished run per trial below one parent; none is a training that `sync` knows."""
    with closing(sqlite3.connect(root / "mlruns/mlflow.db")) as connection:
        rows = connection.execute(
            "SELECT r.run_uuid, r.status, t.key, t.value FROM runs r JOIN tags t USING (run_uuid)"
        )
        runs: dict[str, dict[str, str]] = {}
        for run, status, key, value in rows:
            runs.setdefault(run, {"status": status})[key] = value
    parents = {run["mlflow.parentRunId"] for run in runs.values() if "mlflow.parentRunId" in run}
    assert len(parents) == 1
    assert parents <= set(runs)
    nested = [run for run in runs.values() if "mlflow.parentRunId" in run]
    finished = [run["strokecast.trial"] for run in nested if run["status"] == "FINISHED"]
    assert sorted(finished) == sorted(numbers)
    assert not any("strokecast.training_id" in run for run in runs.values())
