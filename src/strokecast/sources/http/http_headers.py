"""What http answers say about a file, and why there was no answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

BUSY = (408, 425, 429, 500, 502, 503, 504)  # HTTP statuses that may pass
NOT_THERE = (403, 404, 410)
LONGEST_PAUSE = 8.0  # seconds
LONGEST_RETRY_AFTER = 30  # seconds that a busy server may ask for
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)$")


def session(connects: int, statuses: int, backoff: float) -> requests.Session:
    """A session that tries unreached hosts and busy servers again. One per thread.

    Args:
        connects: further tries to reach a host.
        statuses: further tries after a status of `BUSY`; the last such answer is handed back.
        backoff: seconds before the second further try, doubled with each one.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    policy = Retry(
        total=None,
        connect=connects,
        read=False,
        other=False,
        status=statuses,
        status_forcelist=BUSY,
        allowed_methods=None,
        backoff_factor=backoff,
        backoff_max=LONGEST_PAUSE,
        retry_after_max=LONGEST_RETRY_AFTER,
        raise_on_status=False,
    )
    made = requests.Session()
    made.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=policy))
    return made


def facts(answer: requests.Response, url: str) -> dict[str, Any]:
    """What tells this version of a file from another: url, bytes (None: not said), etag, last_modified."""
    return {
        "url": url,
        "bytes": length(answer),
        "etag": answer.headers.get("ETag"),
        "last_modified": answer.headers.get("Last-Modified"),
    }


def mark(known: dict[str, Any]) -> str:
    """The strong ETag of a version, else its date, else nothing: what `If-Range` may name."""
    etag = known.get("etag") or ""
    return etag if etag and not etag.startswith("W/") else known.get("last_modified") or ""


def length(answer: requests.Response) -> int | None:
    """Bytes of the body, or None where the server packs it or does not say."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return None
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def content_range(answer: requests.Response) -> tuple[int | None, int | None]:
    """First byte and total size that a `Content-Range` header names; None for what it leaves open."""
    found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    if not found:
        return None, None
    start, total = found.groups()
    return (int(start) if start else None), (int(total) if total != "*" else None)


def unreached(error: requests.RequestException) -> bool:
    """Whether no connection was made at all."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    if isinstance(error, requests.exceptions.ProxyError | requests.ConnectTimeout):
        return True
    return isinstance(_root(error), ConnectTimeoutError | NewConnectionError)


def reason(error: requests.RequestException) -> str:
    """Why there was no whole answer, in a few words."""
    import requests
    from urllib3.exceptions import IncompleteRead, ProtocolError, ReadTimeoutError

    root = _root(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy that the environment names does not answer"
    if isinstance(error, requests.Timeout) or isinstance(root, ReadTimeoutError):
        return "no answer in time"
    if isinstance(root, IncompleteRead | ProtocolError):
        return "the connection was cut"
    return " ".join(str(root.__cause__ or root.__context__ or root).split())[:160]


def _root(error: BaseException) -> BaseException:
    """The urllib3 exception inside a requests exception."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    cause = getattr(inner, "reason", None)
    return cause if isinstance(cause, BaseException) else inner
