"""Results and output do not depend on the variables of the user's shell; choices that are the user's own are kept."""

from __future__ import annotations

import ast
import io
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from strokecast.common import environment
from strokecast.common.stage import stage


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore all variables and the filters of warnings after the test."""
    with monkeypatch.context() as patch, warnings.catch_warnings():
        patch.setattr(os, "environ", os.environ.copy())
        yield


def test_a_notebooks_variables_have_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*environment.FIXED, *environment.REMOVED):
        monkeypatch.setitem(os.environ, name, "module://matplotlib_inline.backend_inline")
    environment.prepare()
    assert {name: os.environ[name] for name in environment.FIXED} == environment.FIXED
    assert not {*environment.REMOVED} & {*os.environ}


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH"])
def test_choices_of_the_user_are_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, name, "chosen")
    environment.prepare()
    assert os.environ[name] == "chosen"


def test_stages_run_with_the_python_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PATH", "/usr/bin")
    for _ in range(2):
        environment.prepare()
        assert os.environ["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"
    monkeypatch.delitem(os.environ, "PATH")
    environment.prepare()
    assert os.environ["PATH"].startswith(f"{Path(sys.executable).parent}:")


def test_a_number_of_jobs_that_is_no_number_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, environment.JOBS, "all")
    environment.prepare()
    assert environment.JOBS not in os.environ


@pytest.mark.parametrize("options", [[], ["error"], ["e::DeprecationWarning"], ["default", "error:x"]])
def test_warnings_are_neither_raised_nor_printed(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", options)
    warnings.simplefilter("error")
    environment.prepare()
    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("of a library", DeprecationWarning, stacklevel=1)
    assert not caught
    assert os.environ["PYTHONWARNINGS"] == "ignore", "also in processes that this one starts"


@pytest.mark.parametrize("name", ["matplotlib", "tensorflow"])
def test_log_messages_of_libraries_are_not_printed(name: str) -> None:
    logger = logging.getLogger(name)
    logger.setLevel(logging.NOTSET)
    environment.prepare()
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)


def test_requested_warnings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "warnoptions", ["default"])
    warnings.simplefilter("default")
    environment.prepare()
    with pytest.warns(UserWarning, match="of a library"):
        warnings.warn("of a library", stacklevel=1)


def test_text_that_a_terminal_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    with stage("x", "drawing a café → cafe"):
        pass
    terminal.seek(0)
    assert terminal.readline() == "[x] drawing a caf\\xe9 \\u2192 cafe\n"


CLOSED_STREAMS = """
import os, pathlib, sys
from strokecast.common import environment, output_paths
from strokecast.common.errors import UserError
environment.prepare()
opened = os.open(__file__, os.O_RDONLY)
print("text", file=sys.stderr)
streams = [os.path.realpath(f"/proc/self/fd/{number}") for number in range(3)]
refused = []
for name in ("-", "/dev/stdout", "/dev/fd/1"):
    try:
        output_paths.check_writable(pathlib.Path(name))
    except UserError as error:
        refused.append(str(error))
pathlib.Path(sys.argv[1]).write_text(repr((streams, opened > 2, sys.stdin.read(), refused)))
"""


@pytest.mark.slow
def test_closed_standard_streams_are_the_null_device(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(CLOSED_STREAMS)
    command = 'exec "$0" "$@" <&- >&- 2>&-'
    subprocess.run(["sh", "-c", command, sys.executable, script, tmp_path / "result"], check=True)
    streams, opened_above, text, refused = ast.literal_eval((tmp_path / "result").read_text())
    assert (streams, opened_above, text) == ([os.devnull] * 3, True, "")
    assert refused == [f"{name}: is closed; name a file" for name in ("-", "/dev/stdout", "/dev/fd/1")]
