"""The Ray cluster that `strokecast repro --executor ray` runs stages on: connection, checks, resources of a stage."""

from __future__ import annotations

import json
import logging
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.commands import stage_order
from strokecast.commands.dvc_api import Runner
from strokecast.common.errors import UserError
from strokecast.params.runtime import RayParams
from strokecast.params.schema import Params

ADDRESS = "STROKECAST_RAY_ADDRESS"  # variables of stages that run on a cluster
RESOURCES = "STROKECAST_RAY_RESOURCES"
HERE = frozenset({"params", "code", "sync"})  # they check, digest and log what lies here
MAX_RETRIES = 5  # nodes that may die under one stage
_WAITING = 1  # a stage that starts as soon as a node is free; of several, Ray may leave one until the end
_CONNECT_SECONDS = 10.0
_QUERY_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """A cluster whose nodes all see the project's folder.

    Attributes:
        address: `host:port` or `auto`.
        nodes: host name of each node.
        cpus: processors of all nodes.
        largest: the most processors (`CPU`) and GPUs (`GPU`) that one node has.
    """

    address: str
    nodes: Sequence[str]
    cpus: float
    largest: Mapping[str, float]


def connect(address: str) -> Any:
    """Connect this process to a cluster; returns the module `ray`.

    Args:
        address: `host:port`; `auto`: RAY_ADDRESS, or the cluster that runs on this machine.

    Raises:
        UserError: if Ray is not installed or the cluster does not answer.
    """
    try:
        import ray
    except ImportError:
        raise UserError(
            "Ray is not installed",
            location="strokecast repro --executor ray",
            fix="run `pip install 'strokecast[ray]'`",
        ) from None
    _check_answers(address)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, by what is wrong
        what = f"no Ray cluster answers at {address}: {str(error).strip().splitlines()[0]}"
        raise _no_cluster(what, "; same versions of Python and Ray on all") from None
    return ray


def _check_answers(address: str) -> None:
    """Raise a UserError if nothing listens at `host:port`: Ray itself would try for a minute."""
    host, _, port = address.rpartition(":")
    if not host or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(f"nothing answers at {address}: {error}") from None


def _no_cluster(what: str, also: str = "") -> UserError:
    return UserError(
        what,
        location="--address",
        allowed="HOST:PORT of the head node, or auto: the cluster of this machine",
        fix=f"start one: `ray start --head`, on further nodes `ray start --address HOST:PORT`{also}",
    )


def query(address: str) -> Cluster:
    """Look at the cluster, in a process of its own: this one is forked later, which Ray does not survive.

    Raises:
        UserError: if it does not answer, or a node does not see the working directory.
    """
    command = [sys.executable, "-m", __name__, address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_QUERY_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"the Ray cluster at {address} did not answer within {_QUERY_SECONDS:.0f} s",
            location="--address",
            fix="look at it with `ray status`",
        ) from None
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or ["the Ray cluster cannot be used"])[-1])
    return Cluster(**json.loads(done.stdout.splitlines()[-1]))


def _query(address: str) -> Cluster:
    ray = connect(address)
    alive = [node for node in ray.nodes() if node["Alive"]]
    with tempfile.NamedTemporaryFile(prefix=".ray-", dir=Path.cwd()) as file:

        def sees() -> bool:
            return Path(file_name).is_file()

        file_name = file.name
        task = ray.remote(sees)
        answers = [
            task.options(num_cpus=0, label_selector={"ray.io/node-id": node["NodeID"]}).remote()
            for node in alive
        ]
        seen = ray.get(answers, timeout=_QUERY_SECONDS / 2)
        blind = [
            node["NodeManagerHostname"] for node, sees_it in zip(alive, seen, strict=True) if not sees_it
        ]
    if blind:
        raise UserError(
            f"{', '.join(blind)}: this node does not see the project's folder",
            location=str(Path.cwd()),
            allowed="a folder that all nodes have at the same path",
            fix="clone the project to a shared file system, such as NFS, that all nodes mount there",
        )
    ray.shutdown()
    amounts = {unit: [float(node["Resources"].get(unit, 0)) for node in alive] for unit in ("CPU", "GPU")}
    largest = {unit: max(values) for unit, values in amounts.items()}
    return Cluster(address, [node["NodeManagerHostname"] for node in alive], sum(amounts["CPU"]), largest)


def executor(
    address: str, settings: Params, jobs: int | None, report: Callable[[str], None]
) -> tuple[Runner, int]:
    """What runs stages on a cluster: the runner of `dvc_api.Plan.reproduce`, and the number of stages at a time.

    Args:
        address: `host:port` or `auto`.
        settings: with `runtime.ray`, and the models that are switched off.
        jobs: stages at a time; None: as many as the cluster has resources for, and one that waits for a node.
        report: called with a line that names the nodes.

    Raises:
        UserError: if the cluster does not answer, a node does not see the project, or none has the resources of a stage.
    """
    cluster, resources = query(address), settings.runtime.ray
    jobs = jobs or check_resources(cluster, resources) + _WAITING
    report(f"Ray: {len(cluster.nodes)} nodes ({', '.join(cluster.nodes)}), up to {jobs} stages at a time")
    return runner(cluster, resources, HERE | stage_order.switched_off(settings)), jobs


def check_resources(cluster: Cluster, resources: RayParams) -> int:
    """The number of stages that the cluster can run at a time.

    Raises:
        UserError: if no node can ever run a stage: Ray would wait for one.
    """
    for kind, wanted in (("train", resources.train), ("other", resources.other)):
        for unit, key in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
            if getattr(wanted, key) > cluster.largest[unit]:
                raise UserError(
                    f"a stage asks for {getattr(wanted, key):g}, and no node has more than {cluster.largest[unit]:g}",
                    location=f"params.yaml: runtime.ray.{kind}.{key}",
                    allowed=f"at most {cluster.largest[unit]:g}",
                    fix="lower it, or add a node: `ray start --address HOST:PORT`",
                )
    least = min(resources.train.num_cpus, resources.other.num_cpus)
    return max(1, int(cluster.cpus / least)) if least else max(1, int(cluster.cpus))


def runner(cluster: Cluster, resources: RayParams, here: Set[str]) -> Runner:
    """What makes of DVC's function that runs a command one that runs it on the cluster (as `stage_forks.runner` does here).

    Args:
        cluster: from `query`.
        resources: section `runtime.ray` of params.yaml.
        here: stages that run on this machine.
    """

    def make(run_by_dvc: Callable[..., None]) -> Callable[..., None]:
        def run(executable: str | None, command: str, **options: Any) -> None:
            variables: Mapping[str, str] = options["env"]
            if variables["DVC_STAGE"] in here:
                run_by_dvc(executable, command, **options)
                return
            is_training = variables["DVC_STAGE"].startswith("train-")
            wanted = resources.train if is_training else resources.other
            options["env"] = {
                **variables,
                ADDRESS: cluster.address,
                RESOURCES: wanted.model_dump_json(),
                "RAY_USAGE_STATS_ENABLED": "0",
            }
            proxy = shlex.join([sys.executable, "-m", "strokecast.commands.ray_stage"])
            run_by_dvc(executable, f"{proxy} {command}", **options)

        return run

    return make


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        print(json.dumps(_query(sys.argv[1]).__dict__))
    except UserError as error:
        raise SystemExit(str(error)) from None
