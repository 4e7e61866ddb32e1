"""The logits of a trained classifier for every drawing of a processed split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import reading
from strokecast.inference.networks import inference_function, input_signature


def predict_split(
    model: Any, processed: Path, spec: Mapping[str, Any], split: str, batch_size: int = 256
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float32]]:
    """Run a classifier over a split, in the order of its files.

    Args:
        model: a `keras.Model` of the task classify or watch.
        processed: folder of the processed data.
        spec: its spec.json.
        split: "train", "valid" or "test".
        batch_size: drawings per forward pass.

    Returns:
        N ids, labels int64 [N] and logits float32 [N, classes].
    """
    run = inference_function(model)
    inputs_read = list(input_signature(model))
    rows = [
        (key.numpy(), target.numpy(), run(inputs).numpy())
        for inputs, target, key in reading.batches(processed, spec, split, batch_size, inputs_read)
    ]
    keys, labels, logits = (np.concatenate(column) for column in zip(*rows, strict=True))
    return [key.decode() for key in keys.tolist()], labels, logits
