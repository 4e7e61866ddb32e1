"""Validated drawings → padded TFRecords for networks that draw, one file set a length bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from strokecast.features.runners import local
from strokecast.features.sketches import dataset_stats, padded
from strokecast.params import DrawFeatures, Preprocess


def preprocess(
    validated: Path,
    processed: Path,
    settings: DrawFeatures,
    where: Preprocess = Preprocess(),  # noqa: B008  (frozen)
) -> dict[str, Any]:
    """Write `processed` (spec.json and a folder of TFRecords a split, see `padded.write`) from `validated`.

    A drawing longer than the last bound is left out, and not cropped: a network that draws would learn from
    it that drawings end in the middle. The spec says how many were left out; its scale, class counts and
    lengths are those of the drawings that stay. Records hold no time.

    Args:
        validated: folder with a parquet file a split and `report.json`.
        processed: folder to write.
        settings: `features.draw` of params.yaml.
        where: `preprocess` of params.yaml; the result does not depend on it.

    Returns:
        The spec.

    Raises:
        UserError: if a split is missing or empty or holds no drawing that is short enough, or holds a class
            that train lacks.
    """
    runner = local.get(where)
    seen = dataset_stats.survey(validated, runner, longest=settings.bounds[-1])
    return padded.write(
        "draw",
        seen,
        runner,
        processed,
        settings.bounds,
        settings.shard_megabytes,
        time=False,
        told={"left_out": seen.left_out, "max_points": int(seen.length["max"])},
    )
