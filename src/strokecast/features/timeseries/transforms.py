"""Invertible transforms of a series, fitted on the training days: none, log, log1p or Box-Cox, then standardization.

With a fixed scale, values are divided by it instead of being standardized, as textbooks do.

Source: Box and Cox, 1964, "An analysis of transformations", https://doi.org/10.1111/j.2517-6161.1964.tb00553.x
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError

Floats = NDArray[np.float64]
Kind = Literal["none", "log", "log1p", "boxcox"]

_POWER_BOUNDS = (0.0, 2.0)  # from the logarithm to the square: the inverse is finite everywhere


@dataclass(frozen=True)
class Transform:
    """A fitted transform between a column's own unit and the scaled values that networks read.

    Attributes:
        kind: `none`, `log`, `log1p` (log(1 + y), for counts with zeros) or `boxcox`.
        power: lambda of Box-Cox.
        mean: mean of the transformed training days; 0 with a fixed scale.
        std: standard deviation of the transformed training days, or the fixed scale.
    """

    kind: Kind
    power: float
    mean: float
    std: float

    @classmethod
    def fit(cls, kind: Kind, train: Floats, scale: float | None = None) -> Transform:
        """Fit on the training days; Box-Cox's power by maximum likelihood.

        Args:
            kind: the transform.
            train: float64 [n], the training days in their own unit. A constant column gets std 1.
            scale: divisor of the transformed values, which then are not centred; None: standardize them.
        """
        power = 0.0
        if kind == "boxcox" and np.ptp(train) > 0:
            from scipy import optimize, stats

            scaled = train / np.exp(np.log(train).mean())  # the maximum does not depend on the unit
            optimum = optimize.minimize_scalar(
                lambda power: -stats.boxcox_llf(power, scaled), bounds=_POWER_BOUNDS, method="bounded"
            )
            power = round(float(optimum.x), 4)
        if scale is not None:
            return cls(kind, power, 0.0, scale)
        transformed = _forward(kind, power, train)
        std = float(np.std(transformed))
        is_constant = (
            std == 0 or np.ptp(train) == 0
        )  # the mean of equal numbers is rounded, so std may be 1e-17
        return cls(kind, power, float(np.mean(transformed)), 1.0 if is_constant else std)

    def transform(self, values: NDArray[np.floating]) -> Floats:
        """Scaled values, float64 of the shape of `values`."""
        return (_forward(self.kind, self.power, values.astype(np.float64)) - self.mean) / self.std

    def inverse_transform(self, scaled: NDArray[np.floating]) -> Floats:
        """Values in their own unit, float64; values outside the image of Box-Cox are clipped to it."""
        values = scaled.astype(np.float64) * self.std + self.mean
        if self.kind == "log":
            return np.exp(values)
        if self.kind == "log1p":
            return np.expm1(values)
        if self.kind == "boxcox":
            from scipy import special

            if self.power:
                clipped = np.maximum(self.power * values, -1.0) / self.power
                return np.asarray(special.inv_boxcox(clipped, self.power))
            return np.exp(values)
        return values

    def to_dict(self) -> dict[str, Any]:
        """The fields, as stored in spec.json."""
        return asdict(self)


def _forward(kind: Kind, power: float, values: Floats) -> Floats:
    if kind == "log":
        return np.log(values)
    if kind == "log1p":
        return np.log1p(values)
    if kind == "boxcox":
        from scipy import special

        return np.asarray(special.boxcox(values, power))
    return values


def check_domain(kind: Kind, name: str, values: Floats, days: NDArray[np.datetime64]) -> None:
    """Check that every value of column `name` can be transformed.

    Raises:
        UserError: names the first day whose value cannot.
    """
    outside = {"log": values <= 0, "boxcox": values <= 0, "log1p": values < 0}.get(
        kind, np.zeros(len(values), bool)
    )
    if outside.any():
        position = int(np.argmax(outside))
        raise UserError(
            f"{name} is {values[position]:g} on {days[position]}",
            location=f"params.yaml: features.forecast.transform: {kind}",
            allowed="values of 0 and more" if kind == "log1p" else "values above 0",
            fix="set transform: none"
            if kind == "log1p" or values.min() < 0
            else "set transform: log1p, which takes 0, or none",
        )
