"""One file over http(s) into a cache folder: resumed where it broke off, put in place when whole.

requests and urllib3 connect, follow redirects and proxy variables, wait for a busy server
(`Retry-After` too) and notice a body that breaks off or stalls. This module adds what they leave
out: going on from the last byte (RFC 9110: `Range` with `If-Range`), and judging what came.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.sources.http import http_headers
from strokecast.sources.local import FileFacts

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 14  # bytes; what a break can cost at most


@dataclass(frozen=True)
class Wanted:
    """A file to fetch.

    Attributes:
        url: http(s) address, quoted.
        name: file name to keep it under.
        known: size and sha256 that the file must have; None: any.
    """

    url: str
    name: str
    known: FileFacts | None = None


@dataclass(frozen=True)
class Limits:
    """How patient a download is.

    Attributes:
        connect_timeout: seconds until a connection stands.
        read_timeout: seconds without a byte.
        connects: further tries to reach a host that was not reached yet.
        tries: failures in a row, without a new byte between them, before it is given up.
        backoff: seconds before the second try, doubled with each further one up to 8 s.
        workers: files fetched at a time.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    connects: int = 1
    tries: int = 5
    backoff: float = 0.5
    workers: int = 4


class NotThereError(Exception):
    """The server answered that it has no such file (or shows it to nobody)."""

    def __init__(self, status: int, wanted: Wanted) -> None:
        super().__init__(f"HTTP {status}: {wanted.url}")
        self.status = status
        self.wanted = wanted


class StoppedError(Exception):
    """Another file failed, or the user gave up; what came so far is kept."""


class _OtherBytesError(Exception):
    """What came is not what it should be: worth one more try, from the start."""


class Transfer:
    """Brings one file into `folder`, as `<name>`; while it is on its way it is `<name>.part`.

    Args:
        wanted: the file.
        folder: a folder of its own, kept from one run to the next.
        limits: how patient to be.
        http: from `answers.session`.
        trouble: makes a `UserError` of what went wrong with this file.
        came: told the bytes that came, or a negative number when bytes are thrown away.
        sized: told the file's size once it is known; may raise `UserError`.
        stop: when it is set, `run` ends at the next chunk with `StoppedError`.
    """

    def __init__(
        self,
        wanted: Wanted,
        folder: Path,
        limits: Limits,
        http: requests.Session,
        trouble: Callable[[str], UserError],
        came: Callable[[int], None],
        sized: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        self.wanted, self.limits, self.http, self.stop = wanted, limits, http, stop
        self.trouble, self.came, self.sized = trouble, came, sized
        self.whole = folder / wanted.name
        self.whole_facts = folder / f"{wanted.name}.json"
        self.part = folder / f"{wanted.name}.part"
        self.part_facts = folder / f"{wanted.name}.part.json"

    def run(self) -> Path:
        """The path of the whole file.

        Raises:
            NotThereError: on HTTP 403, 404 or 410.
            UserError: if the host cannot be reached, keeps failing, or sends other bytes.
            StoppedError: if `stop` was set.
        """
        import requests

        if self.wanted.known and fits(self.whole, self.wanted.known):
            return self._keep_whole()
        begun = furthest = size(self.part)
        self.came(begun)
        failures = others = 0
        while True:
            try:
                return self._attempt()
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
                raise self.trouble(f"no usable address ({type(error).__name__})") from None
            except requests.TooManyRedirects:
                raise self.trouble("the server redirects without end") from None
            except requests.exceptions.SSLError as error:
                raise self.trouble(f"the connection is not trusted ({http_headers.reason(error)})") from None
            except requests.RequestException as error:
                if http_headers.unreached(error) and furthest == begun:
                    raise self.trouble(f"the host cannot be reached ({http_headers.reason(error)})") from None
                what = f"the host broke off ({http_headers.reason(error)})"
            except _OtherBytesError as error:
                self._forget_part()
                others += 1
                what = str(error)
            reached = size(self.part)
            failures = 1 if reached > furthest else failures + 1
            furthest = max(furthest, reached)
            if failures >= self.limits.tries or others > 1:
                raise self.trouble(what)
            if self.stop.wait(min(self.limits.backoff * 2 ** (failures - 1), http_headers.LONGEST_PAUSE)):
                raise StoppedError

    # ------------------------------------------------------------ one request

    def _attempt(self) -> Path:
        facts = _read_facts(self.part_facts, self.wanted.url)
        offset = size(self.part)
        if offset and not facts.get("bytes"):  # nothing to tell whether the rest would fit
            self._forget_part()
            offset = 0
        timeout = (self.limits.connect_timeout, self.limits.read_timeout)
        headers = self._headers(offset, facts)
        with self.http.get(self.wanted.url, headers=headers, stream=True, timeout=timeout) as answer:
            status = answer.status_code
            if status in http_headers.NOT_THERE:
                raise NotThereError(status, self.wanted)
            if self.whole.is_file() and (status == 304 or self._same_as_whole(answer)):
                return self._keep_whole()
            if status == 416 and offset:
                if http_headers.content_range(answer)[1] != offset:
                    raise _OtherBytesError("the server will not go on from where it broke off")
                return self._finish(facts)
            if status not in (200, 206):
                raise self.trouble(f"the server answered HTTP {status}")
            return self._receive(answer, offset, facts)

    def _headers(self, offset: int, facts: dict[str, Any]) -> dict[str, str]:
        if offset:
            mark = http_headers.mark(facts)
            return {"Range": f"bytes={offset}-"} | ({"If-Range": mark} if mark else {})
        if self.wanted.known or not self.whole.is_file():
            return {}
        there = _read_facts(self.whole_facts, self.wanted.url)
        if there.get("etag"):
            return {"If-None-Match": there["etag"]}
        return {"If-Modified-Since": there["last_modified"]} if there.get("last_modified") else {}

    def _receive(self, answer: requests.Response, offset: int, facts: dict[str, Any]) -> Path:
        if answer.status_code == 206:
            if http_headers.content_range(answer) != (offset, facts.get("bytes")):
                raise _OtherBytesError("the server goes on from somewhere else")
        else:  # from the start: the first request, or no Range support, or another file by now
            self._forget_part()
            facts = http_headers.facts(answer, self.wanted.url)
            known = self.wanted.known
            if known and facts["bytes"] is not None and facts["bytes"] != known["bytes"]:
                raise self.trouble(
                    f"got {facts['bytes']:,} bytes, not the {known['bytes']:,} of the official file"
                )
            files.write_json(self.part_facts, facts)
        if facts["bytes"] is not None:
            self.sized(facts["bytes"])
        with self.part.open("ab") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                self.came(len(chunk))
                if self.stop.is_set():
                    raise StoppedError
        return self._finish(facts)

    # ------------------------------------------------------------ what came

    def _finish(self, facts: dict[str, Any]) -> Path:
        if facts["bytes"] is not None and size(self.part) != facts["bytes"]:
            raise _OtherBytesError(f"got {size(self.part):,} bytes, {facts['bytes']:,} were announced")
        if self.wanted.known and not fits(self.part, self.wanted.known):
            raise _OtherBytesError("got other bytes than the official file's (its sha256 differs)")
        self.whole_facts.unlink(missing_ok=True)
        os.replace(self.part, self.whole)
        files.write_json(self.whole_facts, facts)
        self.part_facts.unlink(missing_ok=True)
        return self.whole

    def _same_as_whole(self, answer: requests.Response) -> bool:
        """Whether a server that ignored the question offers the very version that lies there."""
        if self.wanted.known or answer.status_code != 200:
            return False
        there = _read_facts(self.whole_facts, self.wanted.url)
        same = there == http_headers.facts(answer, self.wanted.url) and there["bytes"] == size(self.whole)
        return same and bool(http_headers.mark(there))

    def _keep_whole(self) -> Path:
        self.sized(size(self.whole))
        self.came(size(self.whole))
        return self.whole

    def _forget_part(self) -> None:
        self.came(-size(self.part))
        self.part.unlink(missing_ok=True)
        self.part_facts.unlink(missing_ok=True)


def size(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def fits(path: Path, known: FileFacts) -> bool:
    """Whether a file is there and has the size and the digest that it should have."""
    return path.is_file() and size(path) == known["bytes"] and files.sha256(path) == known["sha256"]


def _read_facts(path: Path, url: str) -> dict[str, Any]:
    try:
        facts = files.read_json(path)
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) and facts.get("url") == url else {}
