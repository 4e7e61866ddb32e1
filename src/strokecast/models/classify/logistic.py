"""Baseline without a network: multinomial logistic regression on summary features.

Source: Cox, 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x; fitted by scikit-learn (L-BFGS).

Shape legend: N drawings, T padded points, F features (`models/common/sketch_features.py` lists them), K classes.
Kind: estimator; `models/common/estimators.py`.
When to use it: as the baseline of every network. A network that does not beat it has learned nothing beyond ink,
directions and turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config
from strokecast.models.common.registry import register
from strokecast.models.common.search_space import Range


class LogisticConfig(Config):
    """Settings of `classify.logistic`."""

    l2: float = Field(1e-4, gt=0, le=1, description="penalty on squared weights, per drawing")


@register(
    "classify",
    "logistic",
    LogisticConfig,
    testing=LogisticConfig(l2=1e-3),
    kind="estimator",
    search_space={
        "l2": Range(1e-6, 1e-2, log=True),
    },
)
def build(config: LogisticConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; fitted: strokes [N, T, 3], lengths [N] → probabilities [N, K]."""
    from strokecast.models.common.estimators import Logistic

    return Logistic(len(spec["classes"]), config.l2)
