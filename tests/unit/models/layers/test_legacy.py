"""Models whose .keras files were written under former names of layers and arguments still load."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from strokecast.models.common import registry
from strokecast.models.layers import custom_objects, legacy

SPECS: dict[str, dict[str, Any]] = {
    "classify": {"classes": ["a", "b"]},
    "watch": {"classes": ["a", "b"], "frames": 6, "height": 14, "width": 14},
    "draw": {"classes": ["a", "b"]},
    "forecast": {
        "input_size": 10,
        "horizon": 3,
        "targets": ["y"],
        "future": ["weekday"],
        "channels": ["y", "weekday"],
    },
}
FORMER_NAMES = {layer.__name__: name for name, layer in legacy.RENAMED.items()}
FORMER_ARGUMENTS = {"quantiles": "levels", "median_index": "middle", "head_units": "hidden"}  # of DayDecoder


def in_former_terms(node: Any) -> Any:
    """The config of a model as earlier versions wrote it."""
    if isinstance(node, list):
        return [in_former_terms(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: in_former_terms(value) for key, value in node.items()}
    name = node.get("class_name")
    if name == "DayDecoder":
        node["config"] = {FORMER_ARGUMENTS.get(key, key): value for key, value in node["config"].items()}
        node["build_config"] = {"input_shape": next(iter(node["build_config"].values()))}
    elif name == "AttentionWeights":
        shape = node["build_config"]["input_shape"]
        node["build_config"] = {"shapes_dict": {"sequences_shape": shape, "real_shape": shape[:2]}}
    elif name in FORMER_NAMES:
        former = FORMER_NAMES[name]
        node |= {"class_name": former, "registered_name": f"strokecast>{former}"}
    return node


def write_in_former_terms(model: Any, path: Path) -> set[str]:
    """Save a model as earlier versions did; returns the former names in the file."""
    config = in_former_terms(json.loads(model.to_json()))
    former = keras.models.model_from_json(json.dumps(config), custom_objects=custom_objects())
    former.set_weights(model.get_weights())
    former.save(path)  # names the weights by the former classes
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(in_former_terms(json.loads(members["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    written = members["config.json"].decode()
    return {name for name in legacy.RENAMED if f'"strokecast>{name}"' in written}


@pytest.mark.parametrize(
    ("task", "name", "changes", "former"),
    [
        ("classify", "gru", {"bidirectional": True}, {"BothWays"}),
        ("classify", "attention_rnn", {}, {"BothWays"}),
        ("classify", "conv_rnn", {}, {"ZeroPadded"}),
        ("watch", "video_transformer", {}, {"LearnedPlaces"}),
        ("draw", "sketch_rnn", {}, {"PointBefore", "AtEachStep", "Latent", "Divergence", "AnnealedPenalty"}),
        ("forecast", "seq2seq", {}, {"FutureOfEachStep"}),
        ("forecast", "encoder_decoder_attention", {}, set()),
    ],
)
def test_a_file_in_former_terms_loads(
    task: str, name: str, changes: dict[str, Any], former: set[str], tmp_path: Path
) -> None:
    architecture = registry.get(task, name)
    config = registry.config(task, name, {**architecture.testing.model_dump(), **changes})
    model = architecture.build(config, SPECS[task])
    assert write_in_former_terms(model, tmp_path / "model.keras") == former
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects=custom_objects(), compile=False)
    for weight, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert [tensor.shape for tensor in loaded.outputs] == [tensor.shape for tensor in model.outputs]


def test_every_former_name_is_registered() -> None:
    registered = custom_objects()
    for name, layer in legacy.RENAMED.items():
        assert issubclass(registered[f"strokecast>{name}"], layer)
