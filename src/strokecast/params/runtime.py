"""Section `runtime`: the devices and the arithmetic of trainings."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from strokecast.params.base import Strict

# Keys that do not change the numbers of a training, so that an edit reruns nothing.
WITHOUT_RERUN = ("memory_growth", "worker_timeout", "ray")


class RayResources(Strict):
    """What Ray reserves for one stage."""

    num_cpus: float = Field(1, ge=0, le=1024, description="processors of a node; a fraction shares one")
    num_gpus: float = Field(0, ge=0, le=64, description="GPUs of a node; a fraction shares one")


class RayParams(Strict):
    """Section `runtime.ray`: resources of stages on a Ray cluster (`strokecast repro --executor ray`)."""

    train: RayResources = Field(RayResources(), description="of each training")
    other: RayResources = Field(RayResources(), description="of every other stage")


class Runtime(Strict):
    """Section `runtime`: which devices train a network, and in which arithmetic."""

    device: Literal["auto", "cpu", "gpu"] = Field("auto", description="auto: a GPU if there is one")
    threads: int | None = Field(
        None, ge=1, le=1024, description="processor threads that TensorFlow uses; null: all"
    )
    devices: Annotated[int, Field(ge=1, le=1024)] | Literal["all"] = Field(
        1,
        description="number of devices of one training, `all` of this machine; batch_size stays the size over all of them",
    )
    strategy: Literal["auto", "none", "mirrored", "multi_worker"] = Field(
        "auto",
        description="how several devices share a training; auto: multi_worker if TF_CONFIG is set, mirrored with several "
        "devices, else none",
    )
    worker_timeout: int = Field(
        300,
        ge=1,
        le=86_400,
        description="seconds that a worker waits for the others (strategy: multi_worker)",
    )
    memory_growth: bool = Field(
        True, description="take GPU memory as it is needed; false: all of it at the start"
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32",
        description="dtype policy of Keras: the mixed ones compute in 16 bits and keep float32 weights; mixed_float16 scales "
        "the loss",
    )
    tf32: bool = Field(
        True, description="float32 products on NVIDIA GPUs of 2020 and later with 10 bits of mantissa"
    )
    ray: RayParams = Field(
        RayParams(), description="resources of each stage with `strokecast repro --executor ray`"
    )

    @property
    def numerics(self) -> dict[str, Any]:
        """The settings that change the numbers of a training; part of its resume key."""
        return self.model_dump(mode="json", include={"devices", "strategy", "precision", "tf32"})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.strategy == "none" and self.devices != 1:
            raise PydanticCustomError("strategy", "strategy: none requires devices: 1")
        if self.precision == "mixed_float16" and (self.devices != 1 or self.strategy == "multi_worker"):
            raise PydanticCustomError(
                "precision",
                "precision: mixed_float16 requires devices: 1; several devices take mixed_bfloat16",
            )
        return self
