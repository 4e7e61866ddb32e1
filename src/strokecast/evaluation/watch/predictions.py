"""Predictions of every classifier of videos on the test split, also with reordered frames.

The predictions of a network that ignores the order of the frames do not change. Only this module opens the test split
of watch.
Shapes: T test sketches, B of a batch, N frames of H x W pixels, S track steps per frame, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.console import progress
from strokecast.evaluation.classify.sketches import SketchSplit, check_order, read_test_split
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels, check_same_data
from strokecast.features.records import reading
from strokecast.features.records.spec import WatchSpec
from strokecast.inference import networks
from strokecast.models.common.probabilities import softmax

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ORIGINAL = "original"
REORDERED = ("reversed", "shuffled")
_BATCH = 128


def predict_test_split(
    trained_models: TrainedModels, processed: Path, spec: WatchSpec, seed: int
) -> tuple[SketchSplit, dict[str, dict[Key, Floats]]]:
    """Predict the test split with every trained model.

    Args:
        trained_models: of watch.
        processed: `data/processed/watch`.
        spec: its spec.json.
        seed: of the shuffled frame orders, one per drawing, the same for all models.

    Returns:
        The test sketches; frame order (`ORIGINAL` and `REORDERED`) → (name, seed) → probabilities float64 [T, K].

    Raises:
        UserError: if a model was trained on other data, cannot be read, or its predictions are not finite.
    """
    check_same_data(trained_models.finished, spec["digest"])
    test = read_test_split(processed, spec)
    orders = {name: frame_order(name, len(test.ids), spec["frames"], seed) for name in REORDERED}
    probabilities: dict[str, dict[Key, Floats]] = {name: {} for name in (ORIGINAL, *orders)}
    for model in progress(trained_models.finished, "predicting", len(trained_models.finished), "training"):
        ids, logits = _predict_orders(model, processed, spec, orders)
        check_order(ids, test)
        for name, values in logits.items():
            probabilities[name][model.key] = softmax(values)
    return test, probabilities


def order_metrics(
    probabilities: Mapping[str, Mapping[Key, Floats]], labels: Ints
) -> dict[Key, dict[str, float]]:
    """(name, seed) → `accuracy_<order>` of each frame order, such as `accuracy_reversed`.

    Args:
        probabilities: frame order → (name, seed) → float64 [T, K].
        labels: [T].
    """
    keys = next(iter(probabilities.values()))
    return {
        key: {
            f"accuracy_{name}": float((values[key].argmax(axis=1) == labels).mean())
            for name, values in probabilities.items()
        }
        for key in keys
    }


def frame_order(name: str, count: int, frames: int, seed: int) -> Ints:
    """Index of the frame shown at each position, int64 [count, frames].

    `shuffled` is an independent permutation per row.
    """
    original = np.tile(np.arange(frames), (count, 1))
    if name == "reversed":
        return original[:, ::-1]
    return np.random.default_rng(seed).permuted(original, axis=1)


def reorder_frames(inputs: Mapping[str, NDArray[Any]], order: Ints) -> dict[str, NDArray[Any]]:
    """The inputs of a network with the frames in another order.

    Args:
        inputs: `frames` uint8 [B, N, H, W]; if the network reads them also `track` [B, N * S, 3], whose steps move
            with their frame, and `motion` [B, N, H, W], which is computed from the reordered frames.
        order: [B, N], index of the frame shown at each position.
    """
    reordered = {**inputs, "frames": np.take_along_axis(inputs["frames"], order[:, :, None, None], axis=1)}
    if "track" in inputs:
        track = inputs["track"]
        grouped = track.reshape(*order.shape, -1, track.shape[-1])  # [B, N, S, 3]
        reordered["track"] = np.take_along_axis(grouped, order[:, :, None, None], axis=1).reshape(track.shape)
    if "motion" in inputs:
        reordered["motion"] = reading.motion(reordered["frames"]).numpy()
    return reordered


def _predict_orders(
    model: TrainedModel, processed: Path, spec: WatchSpec, orders: Mapping[str, Ints]
) -> tuple[list[str], dict[str, NDArray[np.float32]]]:
    """Ids, and name of the frame order → logits float32 [T, K]."""
    network = networks.load_network(model.folder)
    infer, input_names = networks.inference_function(network), list(networks.input_signature(network))
    ids: list[str] = []
    batches: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (ORIGINAL, *orders)}
    for tensors, _, keys in reading.batches(processed, spec, "test", _BATCH, {*input_names, "frames"}):
        inputs = {name: values.numpy() for name, values in tensors.items()}
        rows = slice(len(ids), len(ids) + len(keys))
        ids += [key.decode() for key in keys.numpy().tolist()]
        for name, logits in batches.items():
            ordered = inputs if name == ORIGINAL else reorder_frames(inputs, orders[name][rows])
            logits.append(infer({key: ordered[key] for key in input_names}).numpy())
    return ids, {name: require_finite(np.concatenate(logits), model) for name, logits in batches.items()}
