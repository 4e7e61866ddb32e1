"""Validated drawings → padded TFRecords for classifiers, one set of files per length bucket."""

from __future__ import annotations

from pathlib import Path

from strokecast.features.records.spec import ClassifySpec
from strokecast.features.runners.select import make_runner
from strokecast.features.sketches import bucketing, dataset_stats, padded
from strokecast.params import ClassifyFeatures, Preprocess


def preprocess(
    validated: Path,
    processed: Path,
    settings: ClassifyFeatures,
    runner_settings: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> ClassifySpec:
    """Write `processed` (spec.json and one folder of TFRecords per split, see `padded.write`) from `validated`.

    Drawings longer than the last bucket boundary are cropped. Records hold `time` if the validated drawings have
    `times`. With `bucket_boundaries: auto`, the boundaries are chosen by `bucketing.choose_boundaries` from the
    training lengths.

    Args:
        validated: folder with one parquet file per split and `report.json`.
        processed: folder to write.
        settings: `features.classify` of params.yaml.
        runner_settings: `preprocess` of params.yaml; does not change the result.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty, or has a class that train lacks.
    """
    runner = make_runner(runner_settings)
    stats = dataset_stats.collect_stats(validated, runner)
    boundaries = bucketing.resolve_boundaries(settings.bucket_boundaries, stats.lengths["train"])
    spec: ClassifySpec = padded.write(
        "classify", stats, runner, processed, boundaries, settings.shard_megabytes, time=stats.time
    )
    return spec
