"""Validated drawings → padded TFRecords for generators, one set of files per length bucket."""

from __future__ import annotations

from pathlib import Path

from strokecast.features.records.spec import DrawSpec
from strokecast.features.runners.select import make_runner
from strokecast.features.sketches import bucketing, dataset_stats, padded
from strokecast.params import DrawFeatures, Preprocess


def preprocess(
    validated: Path,
    processed: Path,
    settings: DrawFeatures,
    runner_settings: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> DrawSpec:
    """Write `processed` (spec.json and one folder of TFRecords per split, see `padded.write`) from `validated`.

    A drawing longer than the last bucket boundary is left out, not cropped: a generator would learn from cropped
    drawings to stop in the middle. The spec counts the drawings that are left out. Its scale, class counts and lengths
    are those of the remaining drawings. Records hold no time. With `bucket_boundaries: auto`, the boundaries are
    chosen by `bucketing.choose_boundaries` from the training lengths.

    Args:
        validated: folder with one parquet file per split and `report.json`.
        processed: folder to write.
        settings: `features.draw` of params.yaml.
        runner_settings: `preprocess` of params.yaml; does not change the result.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing, empty or has only drawings that are too long, or has a class that train
            lacks.
    """
    runner = make_runner(runner_settings)
    lengths = dataset_stats.train_lengths(validated)
    boundaries = bucketing.resolve_boundaries(settings.bucket_boundaries, lengths)
    stats = dataset_stats.collect_stats(validated, runner, max_points=boundaries[-1])
    spec: DrawSpec = padded.write(
        "draw",
        stats,
        runner,
        processed,
        boundaries,
        settings.shard_megabytes,
        time=False,
        extra={"left_out": stats.left_out, "max_points": int(stats.length["max"])},
    )
    return spec
