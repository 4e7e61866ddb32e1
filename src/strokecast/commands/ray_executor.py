"""Runs the stages of `strokecast repro --executor ray` as tasks of a Ray cluster."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from strokecast.commands import ray_cluster, ray_gateway, ray_stage, stage_order
from strokecast.commands.dvc_api import Runner
from strokecast.params.runtime import RayParams
from strokecast.params.schema import Params

HERE = frozenset({"params", "code", "sync"})  # they check, digest and log what lies here
_WAITING = (
    1  # stages beyond those that fit: the next one starts at once; of two, Ray may start the wrong one first
)


@contextlib.contextmanager
def executor(
    address: str, settings: Params, jobs: int | None, report: Callable[[str], None]
) -> Iterator[tuple[Runner, int]]:
    """What runs stages on a cluster: yields the runner of `dvc_api.Plan.reproduce`, and the number of stages at a time.

    Args:
        address: `host:port` or `auto`.
        settings: with `runtime.ray`, and the models that are switched off.
        jobs: stages at a time; None: as many as the cluster has resources for, and one that waits for a node.
        report: called with a line that names the nodes.

    Raises:
        UserError: if the cluster does not answer, a node does not see the project, or none has the resources of a stage.
    """
    with ray_gateway.connected(address) as (cluster, gateway):
        resources = settings.runtime.ray
        fitting = ray_cluster.check_resources(cluster, resources)
        jobs = jobs or fitting + _WAITING
        report(f"{cluster}, up to {jobs} stages at a time")
        yield runner(gateway, resources, HERE | stage_order.switched_off(settings)), jobs


def runner(gateway: Path, resources: RayParams, here: Set[str]) -> Runner:
    """Wrap DVC's function that runs a command, so that the command runs on the cluster (`stage_forks.runner` is the local one).

    Args:
        gateway: socket of `ray_gateway`.
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
                ray_stage.SOCKET: str(gateway),
                ray_stage.RESOURCES: wanted.model_dump_json(),
            }
            proxy = shlex.join([sys.executable, "-m", "strokecast.commands.ray_stage"])
            run_by_dvc(executable, f"{proxy} {command}", **options)

        return run

    return make
