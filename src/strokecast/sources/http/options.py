"""What to download, and the limits of a download: timeouts, retries, sizes, speed, parallelism."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from strokecast.sources.local import FileInfo


@dataclass(frozen=True)
class DownloadRequest:
    """A file to download.

    Attributes:
        url: http(s) address, percent-encoded.
        name: name of the downloaded file.
        expected: size and sha256 that the file must have; None: not checked.
    """

    url: str
    name: str
    expected: FileInfo | None = None

    @property
    def public_url(self) -> str:
        """`url` without the user name and password that it may contain."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True)
class DownloadOptions:
    """Timeouts, retries and parallelism of downloads.

    Attributes:
        connect_timeout: seconds to wait for a connection.
        read_timeout: seconds to wait for the next byte.
        connect_retries: retries of a host that has not been reached yet.
        max_attempts: consecutive attempts without a new byte before a file fails.
        backoff: seconds before the second attempt; doubles with each further attempt, up to 8 s.
        max_workers: files downloaded in parallel.
        max_file_bytes: largest file that is downloaded if its size is not declared by `DownloadRequest.expected`.
        stall_seconds: a file that gains less than `min_speed` on average over so many seconds fails.
        min_speed: bytes per second.
        reserve_bytes: free space that downloads leave on the disk, at most 5 % of its size.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    connect_retries: int = 1
    max_attempts: int = 5
    backoff: float = 0.5
    max_workers: int = 4
    max_file_bytes: int = 2_000_000_000
    stall_seconds: float = 300.0
    min_speed: float = 1_000.0
    reserve_bytes: int = 500_000_000
