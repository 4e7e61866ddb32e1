"""What a trained classifier says of a processed split, in the order of its files: for evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import reading
from strokecast.inference.networks import forward, signature


def classify(
    model: Any, processed: Path, spec: Mapping[str, Any], split: str, batch: int = 256
) -> tuple[list[str], NDArray[np.int64], NDArray[np.float32]]:
    """Ids, labels int64 [N] and logits float32 [N, classes] of all N drawings of a split."""
    run = forward(model)
    rows = [
        (key.numpy(), target.numpy(), run(inputs).numpy())
        for inputs, target, key in reading.batches(processed, spec, split, batch, list(signature(model)))
    ]
    keys, labels, logits = (np.concatenate(column) for column in zip(*rows, strict=True))
    return [key.decode() for key in keys.tolist()], labels, logits
