"""Whether a loaded network is the one that the JSON files beside it describe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.errors import UserError
from strokecast.features.records import spec as specs
from strokecast.models.common import model_folder, registry

_DATA_INPUTS = {  # a network of the task reads at least one of these
    "classify": {"strokes"},
    "watch": {"frames", "motion", "track"},
    "draw": {"strokes"},
    "forecast": {"past"},
}


def check(model: Any, folder: Path) -> None:
    """Check architecture, inputs, classes, horizon and number of parameters of `folder`/model.keras.

    Args:
        model: the loaded `keras.Model`.
        folder: its folder; JSON files that it lacks are not compared.

    Raises:
        UserError: if the network is of another architecture, task, data set or training.
    """
    path = folder / "model.keras"
    if (folder / "config.json").exists():
        config_json = model_folder.read(folder, "config.json", ("task", "name"))
        name = config_json["name"]
        if model.name != name and model.name in registry.names(config_json["task"]):
            raise _foreign(path, f"is a {model.name}, not a {name}")
    if (folder / "spec.json").exists():
        _check_spec(model, specs.read(folder), path)
    model_folder.check_parameters(path, int(model.count_params()))


def _check_spec(model: Any, spec: Mapping[str, Any], path: Path) -> None:
    task = spec["task"]
    shapes = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    if not _DATA_INPUTS.get(task, set()) & set(shapes):
        raise _foreign(path, f"reads {', '.join(sorted(shapes))}, which is not the input of {task}")
    for name, shape in _input_shapes(spec).items():
        if shapes.get(name, shape) != shape:
            raise _foreign(
                path, f"reads {name} of shape {list(shapes[name])}, not the {list(shape)} of spec.json"
            )
    if task in ("classify", "watch") and model.output_shape[-1] != len(spec["classes"]):
        n_classes = len(spec["classes"])
        raise _foreign(
            path, f"distinguishes {model.output_shape[-1]} classes, not the {n_classes} of spec.json"
        )


def _input_shapes(spec: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes, without the batch, of the inputs whose shape the data decide."""
    if spec["task"] == "forecast":
        return {
            "past": (spec["input_size"], len(spec["channels"])),
            "future": (spec["horizon"], len(spec["future"])),
        }
    if spec["task"] == "watch":
        frames = (spec["frames"], spec["height"], spec["width"])
        return {"frames": frames, "motion": frames}
    return {}


def _foreign(path: Path, problem: str) -> UserError:
    return UserError(problem, location=str(path), fix=model_folder.RESTORE)
