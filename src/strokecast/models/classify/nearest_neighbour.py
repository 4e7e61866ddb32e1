"""Baseline without a network: k nearest neighbours among the training drawings.

Source: Cover and Hart, 1967, https://doi.org/10.1109/TIT.1967.1053964.

Shape legend: N drawings, T padded points, M training drawings, F features, K classes.
Kind: estimator; `models/common/estimators.py`. It stores the whole training split, F numbers per drawing: the summary
features that `models/common/sketch_features.py` lists, or the pixels² of an image.
When to use it: to see how much of a network's accuracy is memory. Fitting is free, but each prediction compares with
all M training drawings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from strokecast.models.common.config import Config
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class NearestNeighbourConfig(Config):
    """Settings of `classify.nearest_neighbour`."""

    features: Literal["raster", "summary"] = Field(
        "summary", description="features to compare: images of the finished drawings, or summary features"
    )
    neighbours: int = Field(5, ge=1, le=1000, description="k, training drawings that vote")
    pixels: int = Field(20, ge=4, le=128, description="raster: pixels per side of the images")
    width: float = Field(1.5, gt=0, le=32, description="raster: width of the drawn lines, pixels")


@register(
    "classify",
    "nearest_neighbour",
    NearestNeighbourConfig,
    testing=NearestNeighbourConfig(features="raster", neighbours=3, pixels=8),
    kind="estimator",
    search_space={
        "neighbours": Range(1, 25, log=True),
    },
)
def build(config: NearestNeighbourConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; fitted: strokes [N, T, 3], lengths [N] → probabilities [N, K]."""
    from strokecast.models.common.estimators import NearestNeighbours

    return NearestNeighbours(
        len(spec["classes"]), config.features, config.neighbours, config.pixels, config.width
    )
