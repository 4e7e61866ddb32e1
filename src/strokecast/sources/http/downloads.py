"""Files over http(s), several at a time: parallel, resumed, verified, with one progress bar.

Files are brought into a cache folder, `.strokecast/downloads/<hash of the url>/<name>`, where a
killed download leaves `<name>.part` for the next run to go on with. Whole files stay there, so
that another choice of classes fetches only what is new; the folder may be removed at any time.
Before a file is used again its sha256 is checked, or, where none is known, the server is asked
whether it is still the current one. Proxy variables (`http_proxy`, `https_proxy`, `no_proxy`) are
honoured.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.sources.http import http_headers
from strokecast.sources.http.transfer import Limits, NotThereError, StoppedError, Transfer, Wanted, size

if TYPE_CHECKING:
    import requests

LIMITS = Limits()

__all__ = ["LIMITS", "Limits", "NotThereError", "Wanted", "cache_folder", "fetch", "forget", "put"]


def cache_folder() -> Path:
    """The project's `.strokecast/downloads/`, shared with its temporary copies (`dvc exp run --temp`)."""
    return paths.board_root() / ".strokecast" / "downloads"


def fetch(
    wanted: Sequence[Wanted],
    *,
    source: str,
    other_ways: str,
    folder: Path | None = None,
    limits: Limits | None = None,
) -> list[Path]:
    """Fetch files; the first one that fails ends it, and what came of the others is kept.

    Args:
        wanted: the files.
        source: name of the source, for messages.
        other_ways: what to do where the address cannot be reached, for messages.
        folder: the cache folder; None: `cache_folder()`.
        limits: how patient to be; None: `LIMITS`.

    Returns:
        The paths of the whole files in the cache, in the order of `wanted`.

    Raises:
        NotThereError: on HTTP 403, 404 or 410.
        UserError: if a host cannot be reached, keeps failing, sends other bytes, or the disk has
            too little room.
        OSError: if the cache folder cannot be written to.
    """
    run = _Run(wanted, source, other_ways, (folder or cache_folder()).absolute(), limits or LIMITS)
    run.check_room()
    return run.all()


def put(whole: Iterable[Path], folder: Path) -> list[Path]:
    """Put fetched files into `folder` under their names: as hard links, or as copies where that fails.

    Returns:
        Their paths in `folder`.
    """
    placed = []
    for path in whole:
        target = folder / path.name
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
        placed.append(target)
    return placed


def forget(whole: Path) -> None:
    """Take a fetched file out of the cache, so that it is fetched anew."""
    whole.with_name(f"{whole.name}.json").unlink(missing_ok=True)
    whole.unlink(missing_ok=True)


class _Run:
    """One call of `fetch`."""

    def __init__(
        self, wanted: Sequence[Wanted], source: str, other_ways: str, folder: Path, limits: Limits
    ) -> None:
        self.wanted, self.folder, self.limits = list(wanted), folder, limits
        self.source, self.other_ways = source, other_ways
        self.stop = threading.Event()
        self.todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[int, Path | BaseException]] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.sizes = {index: item.known["bytes"] for index, item in enumerate(self.wanted) if item.known}

    def place(self, item: Wanted) -> Path:
        return self.folder / hashlib.sha256(item.url.encode()).hexdigest()[:16]

    # ------------------------------------------------------------ room on the disk

    def check_room(self) -> None:
        """Compare the sizes that are known beforehand with what is free.

        Raises:
            UserError: if it cannot fit.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        needed = sum(
            max(
                0,
                bytes_
                - max(size(self.place(item) / item.name), size(self.place(item) / f"{item.name}.part")),
            )
            for item, bytes_ in ((self.wanted[index], bytes_) for index, bytes_ in self.sizes.items())
        )
        self._room(needed)

    def _room(self, needed: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f"source {self.source}: {_human(needed)} are still to come, {_human(free)} are free",
                where=str(self.folder),
                fix="free some space, or choose fewer classes",
            )

    # ------------------------------------------------------------ the work

    def all(self) -> list[Path]:
        from tqdm import tqdm

        for index in range(len(self.wanted)):
            self.todo.put(index)
        found: dict[int, Path] = {}
        with tqdm(
            total=sum(self.sizes.values()) or None,
            desc="downloading",
            unit="B",
            unit_scale=True,
            leave=False,
            disable=not sys.stderr.isatty(),
        ) as bar:
            # Daemon threads: Ctrl-C and a failure end the process without waiting for a stalled body.
            for _ in range(min(self.limits.workers, len(self.wanted))):
                threading.Thread(target=self._work, args=(bar,), daemon=True).start()
            try:
                while len(found) < len(self.wanted):
                    index, outcome = self.done.get()
                    if isinstance(outcome, BaseException):
                        raise outcome
                    found[index] = outcome
                    bar.set_postfix_str(f"{len(found)} of {len(self.wanted)} files", refresh=False)
            finally:
                self.stop.set()
        return [found[index] for index in range(len(self.wanted))]

    def _work(self, bar: Any) -> None:
        index = -1
        try:
            with http_headers.session(
                self.limits.connects, self.limits.tries - 1, self.limits.backoff
            ) as http:
                while not self.stop.is_set():
                    index = self.todo.get_nowait()
                    self.done.put((index, self._one(index, http, bar)))
        except (queue.Empty, StoppedError):
            return
        except BaseException as error:  # raised again in the thread that called `fetch`
            self.done.put((index, error))

    def _one(self, index: int, http: requests.Session, bar: Any) -> Path:
        from filelock import FileLock, Timeout

        item = self.wanted[index]
        place = self.place(item)
        place.mkdir(parents=True, exist_ok=True)

        def came(number: int) -> None:
            with self.lock:
                bar.update(number)

        def sized(bytes_: int) -> None:
            with self.lock:
                if self.sizes.get(index) != bytes_:
                    self.sizes[index] = bytes_
                    bar.total = sum(self.sizes.values())
            if item.known is None:
                self._room(bytes_ - max(size(place / item.name), size(place / f"{item.name}.part")))

        def trouble(what: str) -> UserError:
            return UserError(f"source {self.source}: {what}", where=_shown(item.url), fix=self.other_ways)

        lock = FileLock(place / ".lock")
        while True:  # another process may be fetching the same file
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                if self.stop.is_set():
                    raise StoppedError from None
        try:
            return Transfer(item, place, self.limits, http, trouble, came, sized, self.stop).run()
        finally:
            lock.release()


def _shown(url: str) -> str:
    """An address without the password that may stand in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _human(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
