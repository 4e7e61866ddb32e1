"""What every classifier of videos says of the test split, and what it says of the same frames in another order.

A network that does not look at the order of the frames says the same each time. The one place that opens
the test split. Shapes: T test sketches, B of a batch, N frames of H x W pixels, S steps of the track a
frame, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.stage import progress
from strokecast.evaluation.classify.metrics import Sketches
from strokecast.evaluation.common.predictions import finite, sketches
from strokecast.evaluation.common.trainings import Roster, Training, check_data
from strokecast.features.records import reading
from strokecast.inference import networks
from strokecast.models.common.probabilities import softmax

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = tuple[str, int]

ORDERS = ("reversed", "shuffled")
_BATCH = 128


def collect(
    found: Roster, processed: Path, spec: Mapping[str, Any], seed: int
) -> tuple[Sketches, dict[Key, Floats], dict[Key, dict[str, float]]]:
    """The test sketches; by (name, seed) the probabilities float64 [T, K]; and the accuracy in other orders.

    The third holds `accuracy_reversed` and `accuracy_shuffled` of each training.

    Args:
        found: the trainings.
        processed: `data/processed/watch`.
        spec: its spec.json.
        seed: of the shuffled orders, one a drawing, the same for all trainings.

    Raises:
        UserError: if a training saw other data, cannot be read, or predicts what is no number.
    """
    check_data(found.trainings, spec["digest"])
    test = sketches(processed, spec)
    orders = {name: order(name, len(test.ids), spec["frames"], seed) for name in ORDERS}
    probabilities, further = {}, {}
    for training in progress(found.trainings, "predicting", len(found.trainings), "training"):
        ids, said = _said(training, processed, spec, orders)
        if ids != test.ids:
            raise RuntimeError("the test records were read in two different orders")
        key = (training.name, training.seed)
        probabilities[key] = softmax(said.pop(""))
        further[key] = {
            f"accuracy_{name}": float((logits.argmax(axis=1) == test.labels).mean())
            for name, logits in said.items()
        }
    return test, probabilities, further


def order(name: str, count: int, frames: int, seed: int) -> Ints:
    """Which frame comes at each place, int64 [count, frames]; `shuffled` is a permutation of its own a row."""
    plain = np.tile(np.arange(frames), (count, 1))
    if name == "reversed":
        return plain[:, ::-1]
    return np.random.default_rng(seed).permuted(plain, axis=1)


def reordered(inputs: Mapping[str, NDArray[Any]], order: Ints) -> dict[str, NDArray[Any]]:
    """The inputs of a network with the frames in another order.

    Args:
        inputs: `frames` uint8 [B, N, H, W]; where the network reads them `track` [B, N * S, 3], whose steps move
            with their frame, and `motion` [B, N, H, W], which is that of the changed frames.
        order: [B, N], which frame comes at each place.
    """
    changed = {**inputs, "frames": np.take_along_axis(inputs["frames"], order[:, :, None, None], axis=1)}
    if "track" in inputs:
        track = inputs["track"]
        grouped = track.reshape(*order.shape, -1, track.shape[-1])  # [B, N, S, 3]
        changed["track"] = np.take_along_axis(grouped, order[:, :, None, None], axis=1).reshape(track.shape)
    if "motion" in inputs:
        changed["motion"] = reading.motion(changed["frames"]).numpy()
    return changed


def _said(
    training: Training, processed: Path, spec: Mapping[str, Any], orders: Mapping[str, Ints]
) -> tuple[list[str], dict[str, NDArray[np.float32]]]:
    """Ids, and by the name of the order ("": as drawn) the logits float32 [T, K]."""
    network = networks.load_network(training.folder)
    run, names = networks.forward(network), list(networks.signature(network))
    ids: list[str] = []
    said: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("", *orders)}
    for given, _, keys in reading.batches(processed, spec, "test", _BATCH, {*names, "frames"}):
        inputs = {name: values.numpy() for name, values in given.items()}
        rows = slice(len(ids), len(ids) + len(keys))
        ids += [key.decode() for key in keys.numpy().tolist()]
        for name, parts in said.items():
            changed = reordered(inputs, orders[name][rows]) if name else inputs
            parts.append(run({one: changed[one] for one in names}).numpy())
    return ids, {name: finite(np.concatenate(parts), training) for name, parts in said.items()}
