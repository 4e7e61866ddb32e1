"""`strokecast ui`: serves the MLflow board."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from strokecast.common.errors import UserError
from strokecast.tracking import store


def serve(host: str, port: int, report: Callable[[str], None] = print) -> NoReturn:
    """Replace this process by MLflow's server.

    Args:
        host: name or address to listen on.
        port: to listen on.
        report: called with the line that names the address.

    Raises:
        UserError: if nothing can listen there, or the board is damaged.
    """
    check_address(host, port)
    store.initialise()
    report(f"MLflow board: http://{host}:{port} (press Ctrl-C to stop)")
    options = ["--backend-store-uri", store.uri(), "--host", host, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "server", *options])


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
