"""Processed sketches of two classes."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.features.sketches import classify as classify_features
from strokecast.params import ClassifyFeatures

LENGTHS = {"zebra": [3, 20, 9, 30], "apple": [5, 18, 40, 7]}  # points of the sketches of each class


@pytest.fixture
def processed_sketches(tmp_path):
    """Eight sketches a split as `preprocess@classify` writes them, cropped at 32 points, and the spec."""
    validated = tmp_path / "validated"
    validated.mkdir()
    for split in ("train", "valid", "test"):
        rows = [(label, i, n) for label, counts in LENGTHS.items() for i, n in enumerate(counts)]
        points = [np.random.default_rng(n).integers(-9, 9, n * 3).astype(np.float32) for _, _, n in rows]
        columns = {
            "id": [f"{label}/{split}/{i}" for label, i, _ in rows],
            "label": [label for label, _, _ in rows],
            "length": pa.array([n for _, _, n in rows], pa.int32()),
            "points": pa.array(points, pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), validated / f"{split}.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "made"}))
    processed = tmp_path / "processed"
    return processed, classify_features.preprocess(
        validated, processed, ClassifyFeatures(bucket_boundaries=(8, 16, 32))
    )
