"""Headers that identify a version of a file, and reasons of failures."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from strokecast.sources.http import http_headers


def response(**headers: str) -> requests.Response:
    empty = requests.Response()
    empty.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return empty


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 10-99/100", (10, 100)),
        ("bytes 10-99/*", (10, None)),
        ("bytes */100", (None, 100)),
        ("items 1-2/3", (None, None)),
        ("", (None, None)),
    ],
)
def test_content_range(value: str, expected: tuple[int | None, int | None]) -> None:
    assert http_headers.content_range(response(Content_Range=value)) == expected


def test_the_length_of_a_compressed_body_is_unknown() -> None:
    assert http_headers.content_length(response(Content_Length="7")) == 7
    assert http_headers.content_length(response(Content_Length="7", Content_Encoding="gzip")) is None
    assert http_headers.content_length(response()) is None
    assert http_headers.content_length(response(Content_Length="many")) is None


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"etag": '"v1"', "last_modified": "Mon"}, '"v1"'),
        ({"etag": 'W/"v1"', "last_modified": "Mon"}, "Mon"),
        ({"etag": None, "last_modified": "Mon"}, "Mon"),
        ({"etag": 'W/"v1"', "last_modified": None}, ""),
        ({}, ""),
    ],
)
def test_if_range_needs_a_strong_etag_or_a_date(version: dict[str, Any], expected: str) -> None:
    assert http_headers.if_range(version) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("7", 7.0), ("99999", 30.0), ("soon", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_the_wait_that_a_server_asks_for_is_bounded(text: str | None, seconds: float | None) -> None:
    headers = {} if text is None else {"Retry_After": text}
    assert http_headers.retry_after(response(**headers)) == seconds
