"""The Ray cluster that `--executor ray` runs stages and trials on: connection, checks, resources of a stage."""

from __future__ import annotations

import logging
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params.runtime import RayParams, RayResources

MAX_RETRIES = 5  # nodes that may die under one task
_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 30.0


@dataclass(frozen=True)
class Cluster:
    """A cluster whose nodes all see the project's folder.

    Attributes:
        address: `host:port` or `auto`.
        nodes: host name of each node.
        total: processors (`CPU`) and GPUs (`GPU`) of all nodes.
        largest: the most that one node has.
    """

    address: str
    nodes: Sequence[str]
    total: Mapping[str, float]
    largest: Mapping[str, float]

    def __str__(self) -> str:
        return f"Ray: {len(self.nodes)} nodes ({', '.join(self.nodes)})"


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
            location="--executor ray",
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


def look(ray: Any, address: str) -> Cluster:
    """The nodes of a cluster.

    Args:
        ray: from `connect`.
        address: of the cluster.

    Raises:
        UserError: if a node does not see the working directory.
    """
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
        seen = ray.get(answers, timeout=_LOOK_SECONDS)
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
    amounts = {unit: [float(node["Resources"].get(unit, 0)) for node in alive] for unit in ("CPU", "GPU")}
    total = {unit: sum(values) for unit, values in amounts.items()}
    largest = {unit: max(values) for unit, values in amounts.items()}
    return Cluster(address, [node["NodeManagerHostname"] for node in alive], total, largest)


def first_line(error: Exception) -> str:
    """The first line of an error of Ray, which are long."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def check_resources(cluster: Cluster, resources: RayParams) -> int:
    """The number of stages that the cluster can run at a time.

    Raises:
        UserError: if no node can ever run a stage: Ray would wait for one.
    """
    _check_fits(cluster, "train", resources.train)
    _check_fits(cluster, "other", resources.other)
    least = min(resources.train.num_cpus, resources.other.num_cpus)
    return _at_a_time(cluster, {"CPU": least})


def trials_at_a_time(cluster: Cluster, resources: RayParams) -> int:
    """The number of trainings that the cluster can run at a time.

    Raises:
        UserError: if no node can ever run one.
    """
    _check_fits(cluster, "train", resources.train)
    return _at_a_time(cluster, {"CPU": resources.train.num_cpus, "GPU": resources.train.num_gpus})


def _check_fits(cluster: Cluster, kind: str, wanted: RayResources) -> None:
    """Raise a UserError if no node has the resources of a `train` or `other` stage."""
    for unit, key in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
        if getattr(wanted, key) > cluster.largest[unit]:
            raise UserError(
                f"a stage asks for {getattr(wanted, key):g}, and no node has more than {cluster.largest[unit]:g}",
                location=f"params.yaml: runtime.ray.{kind}.{key}",
                allowed=f"at most {cluster.largest[unit]:g}",
                fix="lower it, or add a node: `ray start --address HOST:PORT`",
            )


def _at_a_time(cluster: Cluster, wanted: Mapping[str, float]) -> int:
    """How often the cluster has some resources; those of which nothing is wanted set no limit, the processors then do."""
    counts = [int(cluster.total[unit] / amount) for unit, amount in wanted.items() if amount]
    return max(1, min(counts, default=int(cluster.total["CPU"])))
