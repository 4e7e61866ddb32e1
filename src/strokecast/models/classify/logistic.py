"""Baseline without a network: multinomial logistic regression on a few dozen summary features.

Source: Cox, 1958, https://doi.org/10.1111/j.2517-6161.1958.tb00292.x; fitted by scikit-learn (L-BFGS).

Shape legend: N drawings, T padded points, F features (`models/sketch_features.py` names them), K classes.
Kind: estimator; `models/estimators.py`.
When to use it: as the floor. A network that does not beat it has learnt nothing that ink, directions and turns
do not tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config
from strokecast.models.common.registry import register


class LogisticConfig(Config):
    """Settings of `classify.logistic`."""

    l2: float = Field(1e-4, gt=0, le=1, description="penalty on squared weights, a drawing")


@register("classify", "logistic", LogisticConfig, testing=LogisticConfig(l2=1e-3), kind="estimator")
def build(config: LogisticConfig, spec: Mapping[str, Any]) -> Any:
    """Unfitted; once fitted strokes [N, T, 3], lengths [N] → probabilities [N, K]."""
    from strokecast.models.common.estimators import Logistic

    return Logistic(len(spec["classes"]), config.l2)
