"""How the machines of a training meet, with threads in place of machines."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.training.cluster import Cluster, Message


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def addresses() -> tuple[str, ...]:
    return tuple(f"127.0.0.1:{free_port()}" for _ in range(3))


def call(addresses: tuple[str, ...], index: int, refuse: Callable[[Message], str | None]) -> list[Message]:
    """Call the chief in a thread; returns the list that gets what it announces."""
    heard: list[Message] = []
    worker = Cluster(addresses, index)
    threading.Thread(target=lambda: heard.append(worker.answer(refuse)), daemon=True).start()
    return heard


def wait_for(heard: list[Message]) -> Message:
    for _ in range(200):
        if heard:
            return heard[0]
        threading.Event().wait(0.01)
    raise AssertionError("the worker heard nothing")


def test_all_workers_hear_what_comes_next(addresses: tuple[str, ...]) -> None:
    heard = [call(addresses, index, lambda message: None) for index in (1, 2)]
    Cluster(addresses, 0).gather({"name": "gru"}, 5.0)
    assert [wait_for(one) for one in heard] == [{"name": "gru"}] * 2


def test_a_worker_that_does_not_come_is_named_in_one_line(addresses: tuple[str, ...]) -> None:
    call(addresses, 2, lambda message: None)
    with pytest.raises(UserError, match=rf"worker 1 \({addresses[1]}\) did not come within 0\.9 s"):
        Cluster(addresses, 0).gather({"name": "gru"}, 0.9)


def test_the_reason_of_a_worker_that_cannot_take_part_is_named(addresses: tuple[str, ...]) -> None:
    call(addresses[:2], 1, lambda message: "its code differs")
    with pytest.raises(UserError, match=r"worker 1 .* cannot take part: its code differs"):
        Cluster(addresses[:2], 0).gather({"name": "gru"}, 5.0)


def test_a_caller_that_speaks_no_json_is_ignored(addresses: tuple[str, ...]) -> None:
    def disturb() -> None:
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", int(addresses[0].split(":")[1]))) as one:
                    one.sendall(b"GET / HTTP/1.1\n")
                return
            except OSError:
                threading.Event().wait(0.01)

    threading.Thread(target=disturb, daemon=True).start()
    heard = call(addresses[:2], 1, lambda message: None)
    Cluster(addresses[:2], 0).gather({"name": "gru"}, 5.0)
    assert wait_for(heard) == {"name": "gru"}


def test_a_dismissed_worker_ends(addresses: tuple[str, ...]) -> None:
    heard = call(addresses[:2], 1, lambda message: "cannot take part, and is not asked")
    Cluster(addresses[:2], 0).dismiss()
    assert wait_for(heard) == {"done": True}


def test_a_taken_port_is_one_line(addresses: tuple[str, ...]) -> None:
    with (
        socket.create_server(("", int(addresses[0].split(":")[1]))),
        pytest.raises(UserError, match=r"TF_CONFIG: port \d+ cannot be opened"),
    ):
        Cluster(addresses, 0).gather({}, 1.0)


TWO = ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, None),
        ({"cluster": {"worker": TWO}, "task": {"type": "worker", "index": 1}}, Cluster(("a:1", "b:2"), 1)),
        (
            {"cluster": {"chief": ["c:3"], "worker": TWO}, "task": {"type": "worker", "index": 0}},
            Cluster(("c:3", "a:1", "b:2"), 1),
        ),
        ({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}, None),
    ],
    ids=["unset", "workers", "chief", "one machine"],
)
def test_tf_config_names_the_machines(
    config: Any, expected: Cluster | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", "" if config is None else json.dumps(config))
    assert Cluster.from_environment() == expected


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a", "b:2"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"ps": ["a:1"], "worker": ["b:2"]}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_tf_config_that_is_not_valid_is_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG: it does not describe"):
        Cluster.from_environment()
