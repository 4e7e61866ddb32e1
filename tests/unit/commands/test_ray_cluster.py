"""A Ray cluster: addresses that nothing answers at, and the command that DVC starts instead of a stage's."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from strokecast.commands import cli, ray_cluster, ray_executor, ray_stage
from strokecast.common.errors import UserError
from strokecast.params.runtime import RayParams

CLUSTER = ray_cluster.Cluster(
    "127.0.0.1:6379", ["a", "b"], [{"CPU": 8.0, "GPU": 1.0}, {"CPU": 4.0, "GPU": 1.0}]
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "message"),
    [("127.0.0.1:{port}", "nothing answers at 127.0.0.1:[0-9]+: .*refused; allowed: HOST:PORT"), ("head:x", "nothing answers at head:x")],
)  # fmt: skip
def test_an_address_without_a_cluster_is_one_line(address: str, message: str) -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with pytest.raises(UserError, match=message) as caught:
        ray_cluster.connect(address.format(port=free_port()))
    assert "\n" not in str(caught.value)


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"Ray is not installed; run `pip install 'strokecast\[ray\]'`"):
        ray_cluster.connect("auto")


def test_each_stage_asks_for_the_resources_of_its_kind() -> None:
    resources = RayParams.model_validate({"train": {"num_gpus": 0.5, "num_cpus": 4}})
    calls: list[tuple[Any, ...]] = []
    run = ray_executor.runner(Path("/tmp/socket"), resources, here={"params"})(
        lambda *arguments, **options: calls.append((*arguments, options))
    )
    run("/bin/sh", "python stages/params.py", env={"DVC_STAGE": "params"})
    assert calls.pop() == ("/bin/sh", "python stages/params.py", {"env": {"DVC_STAGE": "params"}})
    for stage in ("train-watch@conv3d", "evaluate-watch"):
        run("/bin/sh", "python stages/x.py", env={"DVC_STAGE": stage, "A": "1"}, cwd="/project")
    (shell, command, options), (*_, other) = calls
    assert (shell, options["cwd"], options["env"]["A"]) == ("/bin/sh", "/project", "1")
    assert command == f"{sys.executable} -m strokecast.commands.ray_stage python stages/x.py"
    assert options["env"][ray_stage.SOCKET] == "/tmp/socket"
    assert json.loads(options["env"][ray_stage.RESOURCES]) == {"num_cpus": 4.0, "num_gpus": 0.5}
    assert json.loads(other["env"][ray_stage.RESOURCES]) == {"num_cpus": 1.0, "num_gpus": 0.0}
    assert ray_cluster.check_resources(CLUSTER, resources) == 12
    with pytest.raises(
        UserError, match=r"runtime\.ray\.train\.num_cpus: a task asks for 9, and no node has more than 8"
    ):
        ray_cluster.check_resources(CLUSTER, RayParams.model_validate({"train": {"num_cpus": 9}}))


def test_an_address_needs_the_executor() -> None:
    result = CliRunner().invoke(cli.main, ["repro", "--address", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert "error: --address: it is the address of a Ray cluster; add --executor ray" in result.output


@pytest.mark.parametrize(
    ("train", "jobs"),
    [({}, 12), ({"num_cpus": 3}, 3), ({"num_gpus": 1}, 2), ({"num_cpus": 0, "num_gpus": 0.25}, 8), ({"num_cpus": 0}, 12)],
)  # fmt: skip
def test_as_many_trials_at_a_time_as_there_are_resources(train: dict[str, float], jobs: int) -> None:
    assert ray_cluster.trials_at_a_time(CLUSTER, RayParams.model_validate({"train": train})) == jobs
