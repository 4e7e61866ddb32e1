"""`strokecast ui`: serves the MLflow board."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from urllib.parse import urlsplit

from strokecast.common.errors import UserError
from strokecast.tracking import board_views, store
from strokecast.tracking.server_errors import shown


def serve(host: str, port: int, report: Callable[[str], None] = print) -> None:
    """Replace this process by MLflow's server. If the board is on a server already, print its addresses.

    Args:
        host: name or address to listen on.
        port: to listen on.
        report: called with the line that names the address.

    Raises:
        UserError: if nothing can listen there, or the board is damaged or cannot be reached.
    """
    place = store.current()
    if urlsplit(place.uri).scheme in ("http", "https"):
        store.initialise()
        server = shown(place.uri).rstrip("/")
        report(f"MLflow board: {server} (from MLFLOW_TRACKING_URI)")
        for line in links(server):
            report(line)
        return
    check_address(host, port)
    store.initialise()
    server = f"http://{_openable(host)}:{port}"
    report(f"MLflow board: {server} (press Ctrl-C to stop)")
    for line in links(server):
        report(line)
    options = ["--host", host, "--port", str(port)]
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": place.uri}  # no option: it may hold a password
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "server", *options], environment)


def links(server: str) -> list[str]:
    """Per task with finished runs, a line with the address of its runs, best first, and one of their comparison."""
    lines = []
    for task, (experiment_id, run_ids) in store.finished_runs().items():
        if run_ids:
            lines.append(f"  {task}: {board_views.address_of_runs(server, experiment_id)}")
        if len(run_ids) > 1:
            lines.append(f"    compare: {board_views.address_of_comparison(server, experiment_id, run_ids)}")
    return lines


def _openable(host: str) -> str:
    """The host as a browser on this machine takes it."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def check_address(host: str, port: int) -> None:
    """Listen on the address for a moment.

    Raises:
        UserError: if the port is in use or reserved, or the host is not one of this machine.
    """
    fix = "choose another: `make ui PORT=...` or `strokecast ui --port ...`"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            listener.bind(address)
            listener.listen()
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise UserError(f"port {port} of {host} is in use by another program", fix=fix) from None
        if number in (errno.EACCES, errno.EPERM):
            raise UserError(f"port {port} is reserved for the system", fix=fix) from None
        raise UserError(
            f"{host!r} is not an address of this machine ({getattr(error, 'strerror', None) or error})",
            location="--host",
            fix="choose 127.0.0.1 or 0.0.0.0",
        ) from None
