"""One file over http(s) into a cache folder: resumed after a failure, verified, renamed when complete.

requests and urllib3 connect, follow proxy variables, and detect bodies that stop early or stall. This module
adds resuming from the last byte (RFC 9110: `Range` with `If-Range`), waiting for busy servers (`Retry-After`
included), and checks of size and sha256. It reads no body but that of the file.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import disks, files
from strokecast.common.errors import UserError
from strokecast.sources import local
from strokecast.sources.http import http_headers
from strokecast.sources.http.options import DownloadOptions, DownloadRequest

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 1 << 14  # the most that a broken connection can lose
SPACE_CHECK_BYTES = 1 << 24  # received between two checks of the free space


class NotFoundError(Exception):
    """The server has no such file, or denies access to it (HTTP 403, 404 or 410)."""

    def __init__(self, status: int, request: DownloadRequest) -> None:
        super().__init__(f"HTTP {status}: {request.url}")
        self.status = status
        self.request = request


class DownloadCancelledError(Exception):
    """Another file failed, or the user interrupted the download. Bytes received so far are kept."""


class _WrongContentError(Exception):
    """The content is not the expected one; one more attempt from the first byte is worthwhile."""


class _BusyError(Exception):
    """The server answered with one of `RETRY_STATUSES`; `seconds`: that it asks to wait, None if it does not."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(f"the server answered HTTP {status}")
        self.seconds = seconds


class FileTransfer:
    """Downloads one file into `cache_dir` as `<name>.part` and renames it to `<name>` when it is complete.

    Args:
        request: the file.
        cache_dir: a folder for this file alone, kept between runs.
        options: timeouts and retries.
        session: from `http_headers.make_session`.
        make_error: turns a description of a failure into a `UserError` about this file.
        on_bytes: called with the number of bytes received; negative if bytes are discarded.
        on_size: called with the size of the file once it is known; may raise `UserError`.
        check_space: called from time to time; raises `UserError` if the disk has too little free space.
        cancelled: if set, `run` stops at the next chunk with `DownloadCancelledError`.
    """

    def __init__(
        self,
        request: DownloadRequest,
        cache_dir: Path,
        options: DownloadOptions,
        session: requests.Session,
        make_error: Callable[[str], UserError],
        on_bytes: Callable[[int], None],
        on_size: Callable[[int], None],
        check_space: Callable[[], None],
        cancelled: threading.Event,
    ) -> None:
        self.request, self.options, self.session, self.cancelled = request, options, session, cancelled
        self.make_error, self.on_bytes, self.on_size = make_error, on_bytes, on_size
        self.check_space = check_space
        self.response: requests.Response | None = None  # whose body is being read
        self.file = cache_dir / request.name
        self.file_version = cache_dir / f"{request.name}.json"
        self.part = cache_dir / f"{request.name}.part"
        self.part_version = cache_dir / f"{request.name}.part.json"

    def run(self) -> Path:
        """Download the file unless the cached one is current; return its path.

        If it fails, a part is kept only if the next run can resume it.

        Raises:
            NotFoundError: on HTTP 403, 404 or 410.
            UserError: if the host cannot be reached, keeps failing, or sends the wrong content or too much of it, or if
                the disk is full.
            DownloadCancelledError: if `cancelled` was set.
        """
        try:
            return self._run()
        except OSError as error:
            if not disks.is_full(error):
                raise
            message = disks.describe_full(error, self.part)
            raise UserError(message, location=str(self.part.parent)) from None
        finally:
            if not _read_version(self.part_version, self.request.url).get("bytes"):
                self._discard_part()

    def abort(self) -> None:
        """Unblock `run` in another thread, which waits for bytes; set `cancelled` before."""
        response = self.response
        if response is not None:
            with contextlib.suppress(Exception):  # the other thread may be closing it
                response.raw.shutdown()

    def _run(self) -> Path:
        import requests

        if self.request.expected and local.matches(self.file, self.request.expected):
            return self._use_cached()
        start_bytes = max_bytes = file_size(self.part)
        self.on_bytes(start_bytes)
        failures = wrong_contents = 0
        while True:
            wait = None
            try:
                return self._attempt()
            except _BusyError as error:
                message, wait = str(error), error.seconds
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
                raise self.make_error(f"the address is not valid ({type(error).__name__})") from None
            except requests.TooManyRedirects:
                raise self.make_error("the server redirects in a loop") from None
            except requests.exceptions.SSLError as error:
                reason = http_headers.failure_reason(error)
                raise self.make_error(f"the TLS certificate is not trusted ({reason})") from None
            except requests.RequestException as error:
                if self.cancelled.is_set():
                    raise DownloadCancelledError from None
                reason = http_headers.failure_reason(error)
                if http_headers.is_connection_failure(error) and max_bytes == start_bytes:
                    raise self.make_error(f"the host cannot be reached ({reason})") from None
                message = f"the download stopped ({reason})"
            except _WrongContentError as error:
                self._discard_part()
                wrong_contents += 1
                message = str(error)
            part_bytes = file_size(self.part)
            failures = 1 if part_bytes > max_bytes else failures + 1
            max_bytes = max(max_bytes, part_bytes)
            if failures >= self.options.max_attempts or wrong_contents > 1:
                raise self.make_error(message)
            if wait is None:
                wait = min(self.options.backoff * 2 ** (failures - 1), http_headers.MAX_BACKOFF)
            if self.cancelled.wait(wait):
                raise DownloadCancelledError

    # ------------------------------------------------------------ one request

    def _attempt(self) -> Path:
        version = _read_version(self.part_version, self.request.url)
        offset = file_size(self.part)
        if offset and not version.get("bytes"):  # nothing identifies the version that the part belongs to
            self._discard_part()
            offset = 0
        timeout = (self.options.connect_timeout, self.options.read_timeout)
        headers = self._request_headers(offset, version)
        with http_headers.open_url(self.session, self.request.url, headers, timeout) as response:
            status = response.status_code
            if status in http_headers.RETRY_STATUSES:
                raise _BusyError(status, http_headers.retry_after(response))
            if status in http_headers.NOT_FOUND_STATUSES:
                raise NotFoundError(status, self.request)
            if self.file.is_file() and (status == 304 or self._is_cached_version(response)):
                return self._use_cached()
            if status == 416 and offset:
                if http_headers.content_range(response)[1] != offset:
                    raise _WrongContentError("the server refuses to resume at the last byte")
                return self._finish(version)
            if status not in (200, 206):
                raise self.make_error(f"the server answered HTTP {status}")
            return self._receive(response, offset, version)

    def _request_headers(self, offset: int, version: dict[str, Any]) -> dict[str, str]:
        if offset:
            if_range = http_headers.if_range(version)
            return {"Range": f"bytes={offset}-"} | ({"If-Range": if_range} if if_range else {})
        if self.request.expected or not self.file.is_file():
            return {}
        cached = _read_version(self.file_version, self.request.url)
        if cached.get("etag"):
            return {"If-None-Match": cached["etag"]}
        return {"If-Modified-Since": cached["last_modified"]} if cached.get("last_modified") else {}

    def _receive(self, response: requests.Response, offset: int, version: dict[str, Any]) -> Path:
        if response.status_code == 206:
            if http_headers.content_range(response) != (offset, version.get("bytes")):
                raise _WrongContentError("the server resumes at another byte than requested")
        else:  # from the first byte: a first request, no support for Range, or a new version of the file
            self._discard_part()
            version = http_headers.file_version(response, self.request.url)
            expected = self.request.expected
            if expected and version["bytes"] is not None and version["bytes"] != expected["bytes"]:
                raise self.make_error(
                    f"received {version['bytes']:,} bytes, expected the {expected['bytes']:,} of the official file"
                )
            files.write_json(self.part_version, version)
        if version["bytes"] is not None:
            self._check_size(version["bytes"])
            self.on_size(version["bytes"])
        self.check_space()
        received, next_check = file_size(self.part), SPACE_CHECK_BYTES
        self.response = response
        with self.part.open("ab") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                received += len(chunk)
                self._check_size(received)
                file.write(chunk)
                self.on_bytes(len(chunk))
                if received >= next_check:
                    self.check_space()
                    next_check = received + SPACE_CHECK_BYTES
                if self.cancelled.is_set():
                    raise DownloadCancelledError
        if self.cancelled.is_set():  # `abort` ends a body of unknown length like its last byte
            raise DownloadCancelledError
        return self._finish(version)

    def _check_size(self, n_bytes: int) -> None:
        """Stop a body that is larger than declared, such as one without an announced length that never ends."""
        expected = self.request.expected
        if expected and n_bytes > expected["bytes"]:
            raise _WrongContentError(
                f"received more than the {expected['bytes']:,} bytes of the official file"
            )
        limit = self.options.max_file_bytes
        if not expected and n_bytes > limit:
            self._discard_part()
            error = self.make_error(
                f"the file has more than {disks.human(limit)}, the largest that is downloaded"
            )
            fix = "if it may be that large, raise max_file_megabytes of the source in params.yaml"
            raise UserError(error.what, location=error.location, fix=fix)

    # ------------------------------------------------------------ complete files

    def _finish(self, version: dict[str, Any]) -> Path:
        """Verify the part and rename it."""
        part_bytes = file_size(self.part)
        if version["bytes"] is not None and part_bytes != version["bytes"]:
            raise _WrongContentError(
                f"received {part_bytes:,} bytes, the server announced {version['bytes']:,}"
            )
        if self.request.expected and not local.matches(self.part, self.request.expected):
            raise _WrongContentError("the sha256 differs from that of the official file")
        self.file_version.unlink(missing_ok=True)
        os.replace(self.part, self.file)
        files.write_json(self.file_version, version)
        self.part_version.unlink(missing_ok=True)
        return self.file

    def _is_cached_version(self, response: requests.Response) -> bool:
        """Whether a full response (the server ignores conditional requests) is the cached version."""
        if self.request.expected or response.status_code != 200:
            return False
        cached = _read_version(self.file_version, self.request.url)
        same = cached == http_headers.file_version(response, self.request.url)
        return same and cached["bytes"] == file_size(self.file) and bool(http_headers.if_range(cached))

    def _use_cached(self) -> Path:
        self.on_size(file_size(self.file))
        self.on_bytes(file_size(self.file))
        return self.file

    def _discard_part(self) -> None:
        self.on_bytes(-file_size(self.part))
        self.part.unlink(missing_ok=True)
        self.part_version.unlink(missing_ok=True)


def file_size(path: Path) -> int:
    """Bytes of a file; 0 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read_version(path: Path, url: str) -> dict[str, Any]:
    """The version that was saved for `url`; empty if there is none."""
    try:
        version = files.read_json(path)
    except (OSError, ValueError):
        return {}
    return version if isinstance(version, dict) and version.get("url") == url else {}
