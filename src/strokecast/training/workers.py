"""The two sides of a training by several machines: the chief leads, the other workers follow.

All workers run the same loop on the same batches and hold the same weights. Only the chief writes: checkpoints, the model's
folder and the MLflow run. When it resumes, it sends its checkpoint to the others.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.common.paths import PROCESSED
from strokecast.features.records import spec as specs
from strokecast.params import RECIPES, Runtime
from strokecast.training import distillation, guards, multi_worker, run
from strokecast.training.cluster import Cluster, Message
from strokecast.training.devices import Device
from strokecast.training.distribution import count_devices
from strokecast.training.job import TrainingJob
from strokecast.training.multi_worker import MultiWorker


def cluster_of(runtime: Runtime) -> Cluster | None:
    """The machines that share the trainings of this process; None: this machine alone.

    Raises:
        UserError: if TF_CONFIG is not valid, `strategy: multi_worker` lacks it, or the precision needs a single device.
    """
    if runtime.strategy in ("none", "mirrored"):
        return None
    cluster = Cluster.from_environment()
    if cluster is None and runtime.strategy == "multi_worker":
        raise UserError(
            "strategy: multi_worker needs the environment variable TF_CONFIG with at least two machines",
            location="params.yaml: runtime.strategy",
            allowed="auto | none | mirrored",
            fix="set TF_CONFIG, see docs/guide/devices-and-machines.md",
        )
    if cluster is not None and runtime.precision == "mixed_float16":
        raise UserError(
            f"precision: mixed_float16, and TF_CONFIG names {len(cluster.workers)} machines that share each training",
            location="params.yaml: runtime.precision",
            allowed="float32 | mixed_bfloat16",
            fix="or set runtime.strategy: none, which ignores TF_CONFIG",
        )
    return cluster


def cluster_of_chief(runtime: Runtime) -> Cluster | None:
    """As `cluster_of`, for what only the chief may do.

    Raises:
        UserError: also if this machine is not the first of the cluster.
    """
    cluster = cluster_of(runtime)
    if cluster is not None and not cluster.is_chief:
        raise UserError(
            f"this machine is worker {cluster.index} of a training by several machines, which does not run stages",
            location="environment variable TF_CONFIG",
            fix="run `strokecast worker` here, and `strokecast repro` on the first machine",
        )
    return cluster


@contextmanager
def led(runtime: Runtime) -> Iterator[run.Distribute | None]:
    """The chief's side, for the trainings of one stage.

    Yields:
        `distribute` for `run.train`, which calls the other machines for a training; None without other machines.

    Raises:
        UserError: as `cluster_of_chief`; inside the block, if a worker does not come in time or cannot take part.
    """
    cluster = cluster_of_chief(runtime)
    if cluster is None:
        yield None
        return
    place: MultiWorker | None = None

    def distribute(device: Device, job: TrainingJob) -> MultiWorker:
        nonlocal place
        if place is None:
            count_devices(device, job.runtime)  # before the others are called
            cluster.gather(_announcement(job), runtime.worker_timeout)
            place = multi_worker.connect(device, job.runtime, is_chief=True)
        else:
            with place.lost_workers():
                place.share(json.dumps({"seed": job.seed}).encode())
        return place

    yield distribute
    if place is not None:
        with suppress(UserError), place.lost_workers():  # the trainings are complete without them
            place.share(b"{}")


def refusal(announcement: Message) -> str | None:
    """Why this worker cannot take part in an announced training; None if it can."""
    try:
        job = _job(announcement)
    except UserError as error:
        return str(error)
    if job.data_digest != announcement["data_digest"]:
        return f"its {PROCESSED / job.task} holds other data"
    if job.code_digest != announcement["code_digest"]:
        return "its code differs; check out the same commit"
    return None


def follow(announcement: Message, report: Callable[[str], None]) -> None:
    """On a worker: take part in the trainings that the chief announces, one per seed. Writes nothing that is kept.

    Args:
        announcement: the first training.
        report: called with a line per training.

    Raises:
        UserError: if the chief or another worker leaves, or the data cannot be read.
    """
    place: MultiWorker | None = None

    def distribute(device: Device, job: TrainingJob) -> MultiWorker:
        nonlocal place
        place = place or multi_worker.connect(device, job.runtime, is_chief=False)
        return place

    job = _job(announcement)
    while True:
        with tempfile.TemporaryDirectory() as folder:
            try:
                run.train(job, Path(folder), lambda row: None, None, calibrate=False, distribute=distribute)
                result = f"weights {weights_digest(Path(folder))}"
            except guards.TrainingError as failure:  # the chief meets the same one
                result = f"failed: {failure}"
        report(f"{job.task}/{job.label}: {result}")
        assert place is not None
        with place.lost_workers():
            following = json.loads(place.share(b""))
        if "seed" not in following:
            return
        job = dataclasses.replace(job, seed=int(following["seed"]))


def weights_digest(folder: Path) -> str:
    """16 hex digits of all weights of the network in `folder`; equal on all workers."""
    from strokecast.inference import networks

    digest = hashlib.sha256()
    for values in networks.load_network(folder).get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()[:16]


def _announcement(job: TrainingJob) -> Message:
    return {
        "task": job.task,
        "name": job.name,
        "seed": job.seed,
        "config": job.config.model_dump(mode="json"),
        "recipe": job.recipe.model_dump(mode="json"),
        "runtime": job.runtime.model_dump(mode="json"),
        "data_digest": job.data_digest,
        "code_digest": job.code_digest,
    }


def _job(announcement: Message) -> TrainingJob:
    task: Any = announcement["task"]
    digest = specs.load(PROCESSED / task, task)["digest"]
    return TrainingJob.create(
        task,
        announcement["name"],
        announcement["seed"],
        announcement["config"],
        RECIPES[task].model_validate(announcement["recipe"]),
        distillation.data_digest(task, announcement["config"], digest),
        Runtime.model_validate(announcement["runtime"]),
    )
