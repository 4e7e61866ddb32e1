"""A pretrained forecaster (Chronos, Chronos-Bolt, Chronos-2) from a local folder, without training.

The weights are yours to download and to use under their licence; nothing is downloaded, and no weights are part of this
package. `pip install 'strokecast[foundation]'` installs the library, PyTorch included.

Sources: Ansari et al., 2024, "Chronos: Learning the language of time series", https://arxiv.org/abs/2403.07815;
https://github.com/amazon-science/chronos-forecasting

Shape legend: n days of history, H days ahead, Q quantile levels.
Kind: statistical forecaster. Nothing is estimated; intervals are calibrated on validation origins like those of any other row.
When to use it: as a yardstick, or for a series too short to learn from. It reads neither holidays nor covariates. Its training
data may contain the test days of a public series: then its test error means little.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from strokecast.models.common.config import Config, MaxHistoryDays, Quantiles
from strokecast.models.common.registry import register
from strokecast.models.statistical import pretrained
from strokecast.models.statistical.foundation import FoundationForecaster


class FoundationConfig(Config):
    """Settings of `forecast.foundation`."""

    path: str = Field(
        "pretrained",
        min_length=1,
        description="folder of a pretrained model (config.json and weights) on this machine, absolute or relative to the project",
    )
    max_history_days: MaxHistoryDays = Field(2048, ge=FoundationForecaster.min_history)
    quantiles: Quantiles = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    def input_digest(self) -> str:
        """Digest of the pretrained model; "" if there is none, which `fit` refuses."""
        return pretrained.digest(Path(self.path).expanduser())


@register(
    "forecast",
    "foundation",
    FoundationConfig,
    testing=FoundationConfig(max_history_days=70, quantiles=(0.1, 0.5, 0.9)),
    kind="rule",
    requirements=("chronos-forecasting", "torch"),
)
def build(config: FoundationConfig, spec: Mapping[str, Any]) -> FoundationForecaster:
    """values [n] → quantiles [H, Q], in the series' own unit."""
    return FoundationForecaster(
        config.path, config.max_history_days, config.quantiles, bool(spec.get("counts", False))
    )
