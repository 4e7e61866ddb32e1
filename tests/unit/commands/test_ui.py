"""`strokecast ui` ends with one line if it cannot listen."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from strokecast.commands import ui
from strokecast.commands.cli import main
from strokecast.common.errors import UserError


def test_a_port_in_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(main, ["ui", "--port", str(port)])
    assert result.exit_code == 1
    assert result.stderr == (
        f"error: port {port} of 127.0.0.1 is in use by another program; "
        "choose another: `make ui PORT=...` or `strokecast ui --port ...`\n"
    )
    assert not (tmp_path / "mlruns").exists(), "nothing is written"


def test_a_reserved_port_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(UserError, match=r"port 80 is reserved for the system; choose another"):
        ui.check_address("127.0.0.1", 80)


@pytest.mark.parametrize("host", ["192.0.2.1", "", "a..b", "x" * 300])
def test_a_foreign_host_is_one_line(host: str) -> None:
    with pytest.raises(UserError, match=r"--host: .* is not an address of this machine"):
        ui.check_address(host or "\0", 5000)


def test_a_free_port_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)  # a project without a board
    monkeypatch.setattr(ui.store, "initialise", lambda: None)
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _, arguments, environment: started.append(arguments))
    lines: list[str] = []
    ui.serve("127.0.0.1", 0, lines.append)
    assert lines == ["MLflow board: http://127.0.0.1:0 (press Ctrl-C to stop)"], "no run, no link"
    assert started[0][1:4] == ["-m", "mlflow", "server"]
