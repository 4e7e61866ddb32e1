"""The Ray cluster that `--executor ray` runs stages and trials on: connection, checks, resources of a stage."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.commands.ray_task import shared_folder
from strokecast.common.errors import UserError
from strokecast.params.runtime import RayParams, RayResources

MAX_RETRIES = 5  # nodes that may die under one task
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Cluster:
    """A cluster whose nodes all see the project's folder.

    Attributes:
        address: `host:port` or `auto`.
        nodes: host name of each node.
        amounts: processors (`CPU`) and GPUs (`GPU`) of each node.
    """

    address: str
    nodes: Sequence[str]
    amounts: Sequence[Mapping[str, float]]

    def __str__(self) -> str:
        return f"Ray: {len(self.nodes)} nodes ({', '.join(self.nodes)})"


def connect(address: str) -> Any:
    """Connect this process to a cluster; returns the module `ray`.

    Args:
        address: `host:port`; `auto`: RAY_ADDRESS, or the cluster that runs on this machine.

    Raises:
        UserError: if Ray is not installed or the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # a call after `ray.shutdown` must not start a cluster
    try:
        import ray
    except ImportError:
        raise UserError(
            "Ray is not installed",
            location="--executor ray",
            fix="run `pip install 'strokecast[ray]'`",
        ) from None
    _check_answers(address)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # ConnectionError, RuntimeError, ValueError, by what is wrong
        what = f"no Ray cluster answers at {address}: {message(error)}"
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


def inspect(ray: Any, address: str) -> Cluster:
    """The nodes of a cluster.

    Args:
        ray: from `connect`.
        address: of the cluster.

    Raises:
        UserError: if a node does not answer, or does not see the working directory.
    """
    alive = [node for node in ray.nodes() if node["Alive"]]
    names = [node["NodeManagerHostname"] for node in alive]
    with tempfile.NamedTemporaryFile(prefix="ray-", dir=shared_folder()) as file:

        def sees() -> bool:
            return Path(file_name).is_file()

        file_name = file.name
        task = ray.remote(sees)
        answers = [
            task.options(num_cpus=0, label_selector={"ray.io/node-id": node["NodeID"]}).remote()
            for node in alive
        ]
        answered = ray.wait(answers, num_returns=len(answers), timeout=_ANSWER_SECONDS)[0]
        if silent := [name for name, answer in zip(names, answers, strict=True) if answer not in answered]:
            raise UserError(
                f"no answer from {', '.join(silent)} within {_ANSWER_SECONDS:.0f} s",
                location="--address",
                fix="check the nodes (`ray status`) and run again",
            )
        try:
            seen = ray.get(answers)
        except ray.exceptions.RayError as error:
            raise UserError(
                f"a node of the cluster fails: {message(error)}",
                location="--address",
                fix="check the nodes (`ray status`) and run again",
            ) from None
        blind = [name for name, sees_it in zip(names, seen, strict=True) if not sees_it]
    if blind:
        raise UserError(
            f"{', '.join(blind)}: this node does not see the project's folder",
            location=str(Path.cwd()),
            allowed="a folder that all nodes have at the same path",
            fix="clone the project to a shared file system, such as NFS, that all nodes mount there",
        )
    amounts = [{unit: float(node["Resources"].get(unit, 0)) for unit in ("CPU", "GPU")} for node in alive]
    return Cluster(address, names, amounts)


def message(error: Exception) -> str:
    """One line of an error of Ray: the last one of a task's traceback, otherwise the first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if type(error).__name__.startswith("RayTaskError") else 0]


def check_resources(cluster: Cluster, resources: RayParams) -> int:
    """The number of stages that the cluster can run at a time.

    Raises:
        UserError: if no node can ever run a stage: Ray would wait for one.
    """
    _check_fits(cluster, "train", resources.train)
    _check_fits(cluster, "other", resources.other)
    least = min(resources.train.num_cpus, resources.other.num_cpus)
    return _number_that_fit(cluster, {"CPU": least})


def trials_at_a_time(cluster: Cluster, resources: RayParams) -> int:
    """The number of trainings that the cluster can run at a time.

    Raises:
        UserError: if no node can ever run one.
    """
    _check_fits(cluster, "train", resources.train)
    return _number_that_fit(cluster, {"CPU": resources.train.num_cpus, "GPU": resources.train.num_gpus})


def _check_fits(cluster: Cluster, kind: str, wanted: RayResources) -> None:
    """Raise a UserError if no node has the resources of a `train` or `other` task."""
    for unit, key in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
        largest = max(node[unit] for node in cluster.amounts)
        if getattr(wanted, key) > largest:
            raise UserError(
                f"a task asks for {getattr(wanted, key):g}, and no node has more than {largest:g}",
                location=f"params.yaml: runtime.ray.{kind}.{key}",
                allowed=f"at most {largest:g}",
                fix="lower it, or add a node: `ray start --address HOST:PORT`",
            )


def _number_that_fit(cluster: Cluster, wanted: Mapping[str, float]) -> int:
    """How many tasks fit on the nodes at a time; without any wanted amount one per processor."""
    limits = {unit: amount for unit, amount in wanted.items() if amount} or {"CPU": 1.0}
    fitting = sum(min(int(node[unit] / limits[unit]) for unit in limits) for node in cluster.amounts)
    return max(1, fitting)
