"""Validated drawings → padded TFRecords for classifiers, one file set a length bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.features.runners import local
from strokecast.features.sketches import dataset_stats, padded
from strokecast.params import ClassifyFeatures, Preprocess


def preprocess(
    validated: Path,
    processed: Path,
    settings: ClassifyFeatures,
    where: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder of TFRecords a split, see `padded.write`) from `validated`.

    Records hold `time` where the validated drawings carry `times`.

    Args:
        validated: folder with a parquet file a split and `report.json`.
        processed: folder to write.
        settings: `features.classify` of params.yaml.
        where: `preprocess` of params.yaml; the result does not depend on it.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or holds a class that train lacks.
    """
    runner = local.get(where)
    seen = dataset_stats.survey(validated, runner)
    return padded.write(
        "classify",
        seen,
        runner,
        processed,
        settings.bounds,
        settings.shard_megabytes,
        time=seen.time,
        told={},
    )
