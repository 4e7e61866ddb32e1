"""A screenshot of MLflow's board."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path

from picture_makers.inputs import MissingInputError, find_chromium

WINDOW = (1900, 860)
CROP = (216, 196, 1386, 690)  # controls and the first eleven runs: left, top, right, bottom


def screenshot_board(folder: Path, reports: Path) -> str:
    """The runs of `classify` on the MLflow board, best accuracy first.

    MLflow serves a copy of the database on a free port of this machine, with the columns of `make ui`. Chromium takes the
    picture without a window.
    """
    from strokecast.tracking.board_views import address_of_runs

    database = Path("mlruns") / "mlflow.db"
    if not database.is_file():
        raise MissingInputError(f"no {database}: run `make repro`")
    browser = find_chromium()
    with tempfile.TemporaryDirectory() as work_dir:
        copy = Path(work_dir) / "mlflow.db"
        experiment = _copy_board(database, copy)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{copy}"]
        with (Path(work_dir) / "server.log").open("w") as log:
            process = subprocess.Popen(
                [*server, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
                stdout=log,
                stderr=log,
                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
                cwd=work_dir,
                start_new_session=True,
            )
        try:
            _wait_for(f"{address}/health", process)
            page = address_of_runs(address, str(experiment))
            shot = Path(work_dir) / "board.png"
            _photograph(browser, page, shot, Path(work_dir) / "profile")
            path = folder / "board.png"
            _crop(shot, path)
        finally:
            _stop(process)
    return path.name


def _copy_board(database: Path, copy: Path) -> int:
    """Copy the database with the present view of `classify`; returns the id of the experiment of `classify`."""
    from strokecast.tracking.board_views import VIEWS

    with (
        closing(sqlite3.connect(f"file:{database.resolve()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
        target,
    ):
        source.backup(target)
        found = target.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'strokecast-classify'"
        ).fetchone()
        if found is None:
            raise MissingInputError(f"no experiment strokecast-classify in {database}")
        target.executemany(
            "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)",
            [(key, value, found[0]) for key, value in VIEWS["classify"].tags().items()],
        )
    return int(found[0])


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise MissingInputError("`mlflow server` did not start")


def _photograph(browser: str, page: str, path: Path, profile: Path) -> None:
    size = ",".join(map(str, WINDOW))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=30000",
    ]
    places = [f"--window-size={size}", f"--user-data-dir={profile}", f"--screenshot={path}"]
    subprocess.run([browser, *options, *places, page], check=True, capture_output=True, timeout=300)


def _crop(shot: Path, path: Path) -> None:
    """Keep toolbar and table, in 128 colours."""
    from PIL import Image

    with Image.open(shot) as image:
        image.convert("RGB").crop(CROP).quantize(128).save(path, optimize=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers that it started: they are a process group of their own."""
    import signal

    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
