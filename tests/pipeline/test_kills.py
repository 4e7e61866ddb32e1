"""`kill -9` in the middle of download, validate and preprocess; `dvc repro` again ends byte for byte the same."""

from __future__ import annotations

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

LAST = "preprocess@classify"  # and what it needs
PIECE = 8_192  # bytes that the server sends at once
OUTPUTS = {
    "download@sketches": Path("data/raw/sketches"),
    "validate@sketches": Path("data/validated/sketches"),
    LAST: Path("data/processed/classify"),
}


@dataclass
class Mirror:
    """A loopback server of `sketchrnn/<class>.npz`, with Range, as slow as it is told."""

    folder: Path
    url: str = ""
    pause: float = 0.0  # seconds before each piece of `PIECE` bytes
    ranges: list[str] = field(default_factory=list)  # the `Range` headers that came
    sent: int = 0  # bytes of bodies

    def forget(self) -> None:
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
        if (asked := self.headers.get("Range")) and self.headers.get("If-Range") == etag:
            self.mirror.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", etag)
        self.end_headers()
        for at in range(start, len(data), PIECE):
            time.sleep(self.mirror.pause)
            self.wfile.write(data[at : at + PIECE])
            self.mirror.sent += len(data[at : at + PIECE])

    def log_message(self, format: str, *args: object) -> None: ...


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None: ...  # a killed client


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
def asked(built: Any, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project whose params.yaml asks for all drawings of the mirror, not yet fetched. Do not change it."""

    def widen(values: Any) -> None:
        values["sketches"]["quickdraw"] = {
            "base_url": mirror.url,
            "classes": sorted(path.stem for path in (mirror.folder / "sketchrnn").glob("*.npz")),
            "cap": {"train": None, "valid": None, "test": None},
        }

    project = built.copy(tmp_path_factory.mktemp("asked") / "strokecast")
    project.params(widen)
    return project


@pytest.fixture(scope="module")
def undisturbed(asked: Any, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """That project after a `dvc repro` that nothing disturbed."""
    mirror.pause = 0.0
    project = asked.copy(tmp_path_factory.mktemp("undisturbed") / "strokecast")
    assert project.repro(LAST) == ["params", *OUTPUTS]
    return project


@pytest.mark.parametrize("killed", ["the stage alone", "dvc and the stage"])
@pytest.mark.parametrize("name", list(OUTPUTS))
def test_killed_and_run_again_is_byte_for_byte_the_same(
    asked: Any, undisturbed: Any, mirror: Mirror, tmp_path: Path, name: str, killed: str
) -> None:
    project = asked.copy(tmp_path / "strokecast")
    before = project.lock()[name]
    mirror.forget()
    mirror.pause = 0.1 if name == "download@sketches" else 0.0
    middle = {
        "download@sketches": _downloading,
        "validate@sketches": lambda root: _growing(root / OUTPUTS[name], "train.parquet"),
        LAST: lambda root: _growing(root / OUTPUTS[name], "bucket-*.tfrecord"),
    }[name]
    script = f"stages/{name.partition('@')[0]}.py"
    running = project.popen("dvc", "repro", LAST, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        stage = _stopped_in(running, script, lambda: middle(project.root))
        half = _hashes(next(_leftovers(project.root / OUTPUTS[name])))
        if killed == "the stage alone":
            stage.kill()
            assert running.wait(timeout=60) != 0, "dvc saw that its stage died"
    finally:
        with _gone():
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    stage.wait(timeout=10)

    assert not (project.root / OUTPUTS[name]).exists(), "nothing half written stands in the output's place"
    assert half != _hashes(undisturbed.root / OUTPUTS[name]), "it was killed in the middle"
    assert project.lock()[name] == before, "dvc.lock names no half-done stage"
    parts = {path.name: path.stat().st_size for path in _parts(project.root)}
    if name == "download@sketches":
        assert parts
        assert mirror.sent < _bytes(mirror)
    mirror.forget()
    mirror.pause = 0.0

    ran = project.repro(LAST)
    assert ran == list(OUTPUTS)[list(OUTPUTS).index(name) :], "the killed stage ran anew, those before it not"
    for output in OUTPUTS.values():
        assert _hashes(project.root / output) == _hashes(undisturbed.root / output)
    assert (project.root / "dvc.lock").read_bytes() == (undisturbed.root / "dvc.lock").read_bytes()
    assert sorted(mirror.ranges) == sorted(f"bytes={size}-" for size in parts.values()), "what came was kept"
    assert mirror.sent <= _bytes(mirror) - sum(parts.values())
    assert not [path for output in OUTPUTS.values() for path in _leftovers(project.root / output)]
    assert not list(_parts(project.root))
    assert project.repro(LAST) == [], "nothing is left to do"


# ---------------------------------------------------------------- the middle of a stage


def _downloading(root: Path) -> bool:
    """Some files are whole, some are on their way."""
    cache = root / ".strokecast" / "downloads"
    return bool(list(cache.glob("*/*.npz"))) and any(path.stat().st_size for path in _parts(root))


def _growing(output: Path, names: str) -> bool:
    """A file of the temporary output has bytes in it."""
    return any(path.stat().st_size for left in _leftovers(output) for path in left.rglob(names))


def _stopped_in(running: Any, script: str, middle: Callable[[], bool]) -> psutil.Process:
    """Wait until the stage `script` is in the middle, stop it there and hand it back, still stopped."""
    deadline = time.monotonic() + 180
    stage: psutil.Process | None = None
    while time.monotonic() < deadline:
        assert running.poll() is None, "dvc ended before its stage could be killed"
        if stage is None:
            stage = _stage(running.pid, script)
        with _gone():
            if stage and middle():
                stage.suspend()
                assert middle(), "it went on too fast"
                assert stage.is_running()
                return stage
        time.sleep(0.001 if stage else 0.02)
    raise AssertionError(f"{script} never was in the middle")


def _stage(dvc: int, script: str) -> psutil.Process | None:
    """The Python process of a stage below `dvc repro`."""
    with _gone():
        for child in psutil.Process(dvc).children(recursive=True):
            with _gone():
                command = child.cmdline()
                if len(command) > 1 and "python" in Path(command[0]).name and command[1] == script:
                    return child
    return None


class _gone:  # noqa: N801 (reads as a phrase)
    """Passes over what ended, or was renamed, while it was looked at."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(
            kind, psutil.NoSuchProcess | FileNotFoundError | ProcessLookupError
        )


# ---------------------------------------------------------------- what lies there


def _leftovers(output: Path) -> Iterator[Path]:
    """Temporary folders and files beside an output."""
    yield from output.parent.glob(f".{output.name}.tmp-*")


def _parts(root: Path) -> Iterator[Path]:
    """Files that are on their way."""
    yield from (root / ".strokecast" / "downloads").glob("*/*.part")


def _bytes(mirror: Mirror) -> int:
    return sum(path.stat().st_size for path in (mirror.folder / "sketchrnn").glob("*.npz"))


def _hashes(folder: Path) -> dict[str, str]:
    """Relative name → sha256 of every file, hidden ones too; folders by their names."""
    assert folder.is_dir(), folder
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }
