"""A failure of a server is one line without credentials."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException
from requests.exceptions import ConnectionError, ReadTimeout

from strokecast.tracking import server_errors
from strokecast.tracking.store_health import BoardError

URI = "https://ann:secret@mlflow.example.org/team"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConnectionError("... [Errno 111] Connection refused')"), "the MLflow server refuses connections"),
        (ReadTimeout("Read timed out. (read timeout=10)"), "the MLflow server does not answer in time"),
        (
            MlflowException("API request to endpoint /api failed with error code 401 != 200."),
            "the MLflow server refuses this user",
        ),
        (
            MlflowException(f"API request to {URI}/api failed\nsecond line"),
            "the MLflow server cannot be used: API request to https://mlflow.example.org/team/api failed",
        ),
    ],
)
def test_a_failure_is_one_line_without_credentials(error: Exception, line: str) -> None:
    with pytest.raises(BoardError) as ended, server_errors.one_line(URI):
        raise error
    assert (
        str(ended.value) == f"https://mlflow.example.org/team: {line}; when it answers, run `strokecast sync`"
    )
    assert "secret" not in str(ended.value)


def test_a_missing_driver_names_the_extra() -> None:
    with (
        pytest.raises(BoardError, match="extra `postgresql`"),
        server_errors.one_line("postgresql://host/db"),
    ):
        raise ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2")


def test_other_errors_stay_themselves() -> None:
    with pytest.raises(ZeroDivisionError), server_errors.one_line(URI):
        raise ZeroDivisionError
