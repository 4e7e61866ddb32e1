"""SIGKILL in the middle of download, validate and preprocess: the next `dvc repro` gives byte-identical outputs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import psutil
import pytest

pytestmark = pytest.mark.slow

TARGET = "preprocess@classify"  # the stage that `dvc repro` is called with
CHUNK = 8_192  # bytes that the server sends at a time
GONE = (
    psutil.NoSuchProcess,
    FileNotFoundError,
    ProcessLookupError,
)  # a process or file that has ended meanwhile
OUTPUTS = {
    "download@sketches": Path("data/raw/sketches"),
    "validate@sketches": Path("data/validated/sketches"),
    TARGET: Path("data/processed/classify"),
}


@dataclass
class Mirror:
    """A local HTTP server of `sketchrnn/<class>.npz` with Range requests and an adjustable speed."""

    folder: Path
    url: str = ""
    pause: float = 0.0  # seconds before each chunk
    ranges: list[str] = field(default_factory=list)  # the `Range` headers received
    sent: int = 0  # bytes of response bodies

    def reset(self) -> None:
        self.ranges.clear()
        self.sent = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mirror: ClassVar[Mirror]

    def do_GET(self) -> None:
        data = (self.mirror.folder / unquote(self.path).lstrip("/")).read_bytes()
        etag = f'"{hashlib.sha256(data).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        start = 0
        if (requested := self.headers.get("Range")) and self.headers.get("If-Range") == etag:
            self.mirror.ranges.append(requested)
            start = int(requested.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", etag)
        self.end_headers()
        for position in range(start, len(data), CHUNK):
            time.sleep(self.mirror.pause)
            chunk = data[position : position + CHUNK]
            self.wfile.write(chunk)
            self.mirror.sent += len(chunk)

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None: ...  # the client was killed


@pytest.fixture(scope="module")
def mirror(shared_data: Path) -> Iterator[Mirror]:
    Handler.mirror = Mirror(shared_data / "quickdraw")
    server = Server(("127.0.0.1", 0), Handler)
    Handler.mirror.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler.mirror
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def unfetched(built: Any, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project whose params.yaml names all drawings of the mirror, none of them downloaded yet. Read-only."""

    def use_all_drawings(values: Any) -> None:
        values["sketches"]["quickdraw"] = {
            "base_url": mirror.url,
            "classes": sorted(path.stem for path in (mirror.folder / "sketchrnn").glob("*.npz")),
            "cap": {"train": None, "valid": None, "test": None},
        }

    project = built.copy(tmp_path_factory.mktemp("unfetched") / "strokecast")
    project.edit_params(use_all_drawings)
    return project


@pytest.fixture(scope="module")
def reference(unfetched: Any, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """That project after a `dvc repro` without a kill. Read-only."""
    mirror.pause = 0.0
    project = unfetched.copy(tmp_path_factory.mktemp("reference") / "strokecast")
    assert project.repro(TARGET) == ["params", *OUTPUTS]
    return project


@pytest.mark.parametrize("killed", ["only the stage", "dvc and the stage"])
@pytest.mark.parametrize("name", list(OUTPUTS))
def test_a_stage_that_was_killed_gives_the_same_bytes_when_it_runs_again(
    unfetched: Any, reference: Any, mirror: Mirror, tmp_path: Path, name: str, killed: str
) -> None:
    project = unfetched.copy(tmp_path / "strokecast")
    before = project.lock()[name]
    mirror.reset()
    mirror.pause = 0.1 if name == "download@sketches" else 0.0
    is_in_the_middle = {
        "download@sketches": _downloading,
        "validate@sketches": lambda root: _growing(root / OUTPUTS[name], "train.parquet"),
        TARGET: lambda root: _growing(root / OUTPUTS[name], "bucket-*.tfrecord"),
    }[name]
    script = f"stages/{name.partition('@')[0]}.py"
    running = project.popen("dvc", "repro", TARGET, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        stage = _suspend_stage(running, script, lambda: is_in_the_middle(project.root))
        incomplete = _hashes(next(_temporary_outputs(project.root / OUTPUTS[name])))
        if killed == "only the stage":
            stage.kill()
            assert running.wait(timeout=60) != 0, "dvc saw that its stage died"
    finally:
        with contextlib.suppress(*GONE):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    stage.wait(timeout=10)

    assert not (project.root / OUTPUTS[name]).exists(), "there is no incomplete output"
    assert incomplete != _hashes(reference.root / OUTPUTS[name]), "the stage was killed before it was done"
    assert project.lock()[name] == before, "dvc.lock does not record an unfinished stage"
    partial = {path.name: path.stat().st_size for path in _partial_downloads(project.root)}
    if name == "download@sketches":
        assert partial
        assert mirror.sent < _bytes(mirror)
    mirror.reset()
    mirror.pause = 0.0

    stages = project.repro(TARGET)
    assert stages == list(OUTPUTS)[list(OUTPUTS).index(name) :], (
        "the killed stage and those after it run again"
    )
    for output in OUTPUTS.values():
        assert _hashes(project.root / output) == _hashes(reference.root / output)
    assert (project.root / "dvc.lock").read_bytes() == (reference.root / "dvc.lock").read_bytes()
    assert sorted(mirror.ranges) == sorted(f"bytes={size}-" for size in partial.values()), (
        "downloads continue where they ended"
    )
    assert mirror.sent <= _bytes(mirror) - sum(partial.values())
    assert not [path for output in OUTPUTS.values() for path in _temporary_outputs(project.root / output)]
    assert not list(_partial_downloads(project.root))
    assert project.repro(TARGET) == [], "everything is up to date"


# ---------------------------------------------------------------- stages in progress


def _downloading(root: Path) -> bool:
    """Some files are complete, some are partial."""
    cache = root / ".strokecast" / "downloads"
    return bool(list(cache.glob("*/*.npz"))) and any(path.stat().st_size for path in _partial_downloads(root))


def _growing(output: Path, names: str) -> bool:
    """A file of the temporary output is not empty."""
    return any(path.stat().st_size for folder in _temporary_outputs(output) for path in folder.rglob(names))


def _suspend_stage(dvc: Any, script: str, condition: Callable[[], bool]) -> psutil.Process:
    """Wait until the stage `script` runs and `condition` holds, then suspend the process and return it."""
    deadline = time.monotonic() + 180
    stage: psutil.Process | None = None
    while time.monotonic() < deadline:
        assert dvc.poll() is None, "dvc ended before its stage could be killed"
        if stage is None:
            stage = _find_stage(dvc.pid, script)
        with contextlib.suppress(*GONE):
            if stage and condition():
                stage.suspend()
                assert condition(), "the stage was suspended too late"
                assert stage.is_running()
                return stage
        time.sleep(0.001 if stage else 0.02)
    raise AssertionError(f"{script} did not reach the condition")


def _find_stage(dvc_pid: int, script: str) -> psutil.Process | None:
    """The Python process of a stage that `dvc repro` started; None if there is none."""
    with contextlib.suppress(*GONE):
        for child in psutil.Process(dvc_pid).children(recursive=True):
            with contextlib.suppress(*GONE):
                command = child.cmdline()
                if len(command) > 1 and "python" in Path(command[0]).name and command[1] == script:
                    return child
    return None


# ---------------------------------------------------------------- files


def _temporary_outputs(output: Path) -> Iterator[Path]:
    """Temporary folders and files of an output, which stand beside it."""
    yield from output.parent.glob(f".{output.name}.tmp-*")


def _partial_downloads(root: Path) -> Iterator[Path]:
    """Files that are not downloaded completely."""
    yield from (root / ".strokecast" / "downloads").glob("*/*.part")


def _bytes(mirror: Mirror) -> int:
    """Size of all files of the mirror."""
    return sum(path.stat().st_size for path in (mirror.folder / "sketchrnn").glob("*.npz"))


def _hashes(folder: Path) -> dict[str, str]:
    """Relative path → sha256 of every file, hidden ones included; "folder" for folders."""
    assert folder.is_dir(), folder
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }
