"""HTTP sessions that retry, the headers that identify a version of a file, and the reasons of failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

if TYPE_CHECKING:
    import requests

RETRY_STATUSES = (408, 425, 429, 500, 502, 503, 504)
NOT_FOUND_STATUSES = (403, 404, 410)
MAX_BACKOFF = 8.0  # seconds between two attempts
MAX_RETRY_AFTER = 30  # seconds of a server's `Retry-After` that are honoured
MAX_REDIRECTS = 30
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)$")


def make_session(connect_retries: int, backoff: float) -> requests.Session:
    """A session that retries failed connections. Use one per thread.

    It retries no status: urllib3 would read the whole body of such a response into memory first.

    Args:
        connect_retries: retries after a failed connection.
        backoff: seconds before the second retry; doubles with each further retry.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    policy = Retry(
        total=None,
        connect=connect_retries,
        read=False,
        other=False,
        status=0,
        respect_retry_after_header=False,
        allowed_methods=None,
        backoff_factor=backoff,
        backoff_max=MAX_BACKOFF,
        raise_on_status=False,
    )

    class Session(requests.Session):
        def resolve_redirects(self, *args: Any, **kwargs: Any) -> Any:
            """No redirects: requests would read the whole body of each into memory first; see `open_url`."""
            return iter(())

    session = Session()
    session.headers["Accept-Encoding"] = "identity"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=policy))
    return session


def open_url(
    session: requests.Session, url: str, headers: dict[str, str], timeout: tuple[float, float]
) -> requests.Response:
    """The response to a GET after redirects; its body is not read yet, and the bodies of redirects never.

    Raises:
        requests.TooManyRedirects: after `MAX_REDIRECTS`.
        requests.RequestException: if a request fails.
    """
    import requests

    for _ in range(MAX_REDIRECTS):
        response = session.get(url, headers=headers, stream=True, timeout=timeout)
        target = session.get_redirect_target(response)
        if target is None:
            return response
        url = requests.utils.requote_uri(urljoin(response.url, target))
        response.close()
    raise requests.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects")


def retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, at most `MAX_RETRY_AFTER`; None if it does not."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util.retry import Retry

    text = response.headers.get("Retry-After")
    try:
        return min(float(Retry().parse_retry_after(text)), MAX_RETRY_AFTER) if text else None
    except (InvalidHeader, ValueError, OverflowError):
        return None


def file_version(response: requests.Response, url: str) -> dict[str, Any]:
    """What identifies a version of a file: url, bytes (None if unknown), etag, last_modified."""
    return {
        "url": url,
        "bytes": content_length(response),
        "etag": response.headers.get("ETag"),
        "last_modified": response.headers.get("Last-Modified"),
    }


def if_range(version: dict[str, Any]) -> str:
    """Value of the header `If-Range`: the strong ETag of a version, else its date, else empty."""
    etag = version.get("etag") or ""
    return etag if etag and not etag.startswith("W/") else version.get("last_modified") or ""


def content_length(response: requests.Response) -> int | None:
    """Bytes of the body; None if the server compresses it or does not announce its length."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and total size in the header `Content-Range`; None for a value that it leaves open."""
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
    if not match:
        return None, None
    start, total = match.groups()
    return (int(start) if start else None), (int(total) if total != "*" else None)


def is_connection_failure(error: requests.RequestException) -> bool:
    """Whether no connection to the host (or its proxy) was established."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    if isinstance(error, requests.exceptions.ProxyError | requests.ConnectTimeout):
        return True
    return isinstance(_urllib3_error(error), ConnectTimeoutError | NewConnectionError)


def failure_reason(error: requests.RequestException) -> str:
    """Why a request failed, in a few words."""
    import requests
    from urllib3.exceptions import IncompleteRead, ProtocolError, ReadTimeoutError

    cause = _urllib3_error(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy in the environment variables does not answer"
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return "timeout"
    if isinstance(cause, IncompleteRead | ProtocolError):
        return "the connection was closed early"
    return " ".join(str(cause.__cause__ or cause.__context__ or cause).split())[:160]


def _urllib3_error(error: BaseException) -> BaseException:
    """The urllib3 exception inside a requests exception."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    reason = getattr(inner, "reason", None)
    return reason if isinstance(reason, BaseException) else inner
