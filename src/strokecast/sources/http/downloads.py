"""Parallel downloads over http(s): resumable, verified, with one progress bar.

Files are downloaded into a cache, `.strokecast/downloads/<hash of the url>/<name>`. A download that
was killed leaves `<name>.part`, and the next run resumes it. Complete files stay in the cache, so
another choice of classes downloads only the new ones. The cache may be deleted at any time.
A cached file is used again after its sha256 was checked. If no sha256 is known, a conditional
request asks the server whether the file is still current. The variables `http_proxy`,
`https_proxy` and `no_proxy` are honoured.

Why this is not a library: pooch 1.9.0 checks hashes and retries, but it downloads one file at a time,
deletes the temporary file after each failure and starts again from byte 0 (no `Range`), sends no
conditional requests (a file without a known sha256 is never checked again), has no lock between
processes, and does not check the free disk space. requests and urllib3 provide the rest:
connections, proxies and timeouts.
"""

from __future__ import annotations

import functools
import hashlib
import queue
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import disks, files, paths
from strokecast.common.errors import UserError
from strokecast.sources.http import http_headers
from strokecast.sources.http.options import DownloadOptions, DownloadRequest
from strokecast.sources.http.speed import SpeedMonitor
from strokecast.sources.http.transfer import DownloadCancelledError, FileTransfer, NotFoundError, file_size

if TYPE_CHECKING:
    import requests

DEFAULT_OPTIONS = DownloadOptions()
_STOP_SECONDS = 2.0  # to wait for the workers after a failure

__all__ = [
    "DEFAULT_OPTIONS",
    "DownloadOptions",
    "DownloadRequest",
    "NotFoundError",
    "cache_dir",
    "evict",
    "fetch",
    "link_or_copy",
]


def cache_dir() -> Path:
    """The project's `.strokecast/downloads/`, shared with its temporary copies (`dvc exp run --temp`)."""
    return paths.board_root() / ".strokecast" / "downloads"


def fetch(
    requests: Sequence[DownloadRequest],
    *,
    source: str,
    alternatives: str,
    folder: Path | None = None,
    options: DownloadOptions | None = None,
    max_file_megabytes: int | None = None,
) -> list[Path]:
    """Download files in parallel. The first failure stops all of them; bytes received so far are kept.

    Args:
        requests: the files.
        source: name of the source, for error messages.
        alternatives: what to do if the address cannot be reached, for error messages.
        folder: the cache; default: `cache_dir()`.
        options: timeouts, retries, parallelism; default: `DEFAULT_OPTIONS`.
        max_file_megabytes: largest file that is downloaded if its size is not declared; default: as in `options`.

    Returns:
        The paths of the files in the cache, in the order of `requests`.

    Raises:
        NotFoundError: on HTTP 403, 404 or 410.
        UserError: if a host cannot be reached, keeps failing, stalls, or sends the wrong content or too much of it,
            or if the disk has too little free space.
        OSError: if the cache cannot be written.
    """
    folder = (folder or cache_dir()).absolute()
    options = options or DEFAULT_OPTIONS
    if max_file_megabytes is not None:
        options = replace(options, max_file_bytes=max_file_megabytes * 1_000_000)
    pool = _DownloadPool(requests, source, alternatives, folder, options)
    pool.check_disk_space()
    return pool.run()


def link_or_copy(cached: Iterable[Path], folder: Path) -> list[Path]:
    """Put downloaded files into `folder` under their names: hard links, or copies if linking fails.

    Returns:
        Their paths in `folder`.
    """
    targets = []
    for path in cached:
        target = folder / path.name
        files.link_or_copy(str(path), str(target))
        targets.append(target)
    return targets


def evict(cached: Path) -> None:
    """Remove a downloaded file from the cache, so that it is downloaded again."""
    cached.with_name(f"{cached.name}.json").unlink(missing_ok=True)
    cached.unlink(missing_ok=True)


class _DownloadPool:
    """The worker threads of one call of `fetch`."""

    def __init__(
        self,
        requests: Sequence[DownloadRequest],
        source: str,
        alternatives: str,
        folder: Path,
        options: DownloadOptions,
    ) -> None:
        self.requests, self.folder, self.options = list(requests), folder, options
        self.source, self.alternatives = source, alternatives
        self.cancelled = threading.Event()
        self.pending: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[tuple[int, Path | BaseException]] = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.transfers: dict[int, FileTransfer] = {}  # in progress
        self.speed = SpeedMonitor(options.stall_seconds, options.min_speed)
        self.sizes = {
            i: request.expected["bytes"] for i, request in enumerate(self.requests) if request.expected
        }

    def request_dir(self, request: DownloadRequest) -> Path:
        return self.folder / hashlib.sha256(request.url.encode()).hexdigest()[:16]

    # ------------------------------------------------------------ disk space

    def check_disk_space(self) -> None:
        """Compare the sizes that are known in advance with the free space.

        Raises:
            UserError: if the files do not fit.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = (self._missing_bytes(self.requests[index], total) for index, total in self.sizes.items())
        self._require_free(sum(max(0, count) for count in missing))

    def _missing_bytes(self, request: DownloadRequest, total: int) -> int:
        folder = self.request_dir(request)
        return total - max(file_size(folder / request.name), file_size(folder / f"{request.name}.part"))

    def _require_free(self, needed: int) -> None:
        usage = shutil.disk_usage(self.folder)
        reserve = min(self.options.reserve_bytes, usage.total // 20)
        if needed + reserve > usage.free:
            raise UserError(
                f"source {self.source}: the download needs {disks.human(needed)}; the file system "
                f"{disks.mount_point(self.folder)} has {disks.human(usage.free)} free, of which "
                f"{disks.human(reserve)} stay free",
                location=str(self.folder),
                fix="free some space, or choose fewer classes",
            )

    # ------------------------------------------------------------ threads

    def run(self) -> list[Path]:
        from tqdm import tqdm

        for index in range(len(self.requests)):
            self.pending.put(index)
        cached: dict[int, Path] = {}
        with tqdm(
            total=sum(self.sizes.values()) or None,
            desc="downloading",
            unit="B",
            unit_scale=True,
            leave=False,
            disable=not sys.stderr.isatty(),
        ) as bar:
            # Daemon threads: Ctrl-C and a failure end the process without waiting for a connection.
            n_workers = min(self.options.max_workers, len(self.requests))
            workers = [
                threading.Thread(target=self._work, args=(bar,), daemon=True) for _ in range(n_workers)
            ]
            for worker in workers:
                worker.start()
            try:
                while len(cached) < len(self.requests):
                    try:
                        index, result = self.results.get(timeout=min(1.0, self.options.stall_seconds / 4))
                    except queue.Empty:
                        self._check_speed()
                        continue
                    if isinstance(result, BaseException):
                        raise result
                    cached[index] = result
                    bar.set_postfix_str(f"{len(cached)} of {len(self.requests)} files", refresh=False)
            finally:
                self._stop(workers)
        return [cached[index] for index in range(len(self.requests))]

    def _stop(self, workers: Iterable[threading.Thread]) -> None:
        """End the workers, which remove parts that cannot be resumed; those that wait for a connection are left."""
        self.cancelled.set()
        with self.lock:
            transfers = list(self.transfers.values())
        for transfer in transfers:
            transfer.abort()
        deadline = time.monotonic() + _STOP_SECONDS
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    def _check_speed(self) -> None:
        """Raise `UserError` if a file gained too few bytes in its last window."""
        if stalled := self.speed.find_stalled():
            index, received = stalled
            message = f"the server sent {received:,} bytes in the last {self.speed.seconds:g} seconds"
            raise self._make_error(self.requests[index], message)

    def _make_error(self, request: DownloadRequest, message: str) -> UserError:
        message = f"source {self.source}: {message}"
        return UserError(message, location=request.public_url, fix=self.alternatives)

    def _work(self, bar: Any) -> None:
        index = -1
        options = self.options
        try:
            with http_headers.make_session(options.connect_retries, options.backoff) as session:
                while not self.cancelled.is_set():
                    index = self.pending.get_nowait()
                    self.results.put((index, self._download(index, session, bar)))
        except (queue.Empty, DownloadCancelledError):
            return
        except BaseException as error:  # raised again in the thread that called `fetch`
            self.results.put((index, error))

    def _download(self, index: int, session: requests.Session, bar: Any) -> Path:
        from filelock import FileLock, Timeout

        request = self.requests[index]
        folder = self.request_dir(request)
        folder.mkdir(parents=True, exist_ok=True)

        def on_bytes(count: int) -> None:
            with self.lock:
                bar.update(count)
            self.speed.add(index, max(0, count))

        def on_size(total: int) -> None:
            with self.lock:
                if self.sizes.get(index) != total:
                    self.sizes[index] = total
                    bar.total = sum(self.sizes.values())
            if request.expected is None:
                self._require_free(self._missing_bytes(request, total))

        lock = FileLock(folder / ".lock")
        while True:  # another process may be downloading the same file
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                if self.cancelled.is_set():
                    raise DownloadCancelledError from None
        transfer = FileTransfer(
            request,
            folder,
            self.options,
            session,
            functools.partial(self._make_error, request),
            on_bytes,
            on_size,
            functools.partial(self._require_free, 0),
            self.cancelled,
        )
        self.speed.start(index)
        with self.lock:
            self.transfers[index] = transfer
        try:
            return transfer.run()
        finally:
            self.speed.stop(index)
            with self.lock:
                del self.transfers[index]
            lock.release()
