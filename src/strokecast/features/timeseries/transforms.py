"""Invertible transforms of a series, fitted on the training days: logarithm, Box-Cox, then mean 0 and std 1.

A number that is given can take the place of that mean and std: values are divided by it, as books do.

Source: Box and Cox, 1964, https://doi.org/10.1111/j.2517-6161.1964.tb00553.x
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError

Floats = NDArray[np.float64]
Kind = Literal["none", "log", "log1p", "boxcox"]

_POWERS = (0.0, 2.0)  # from the logarithm to the square: the inverse is finite everywhere


@dataclass(frozen=True)
class Transform:
    """From a column's own unit to what a network reads, and back.

    Attributes:
        kind: `none`, `log`, `log1p` (log(1 + y), for counts with zeros) or `boxcox`.
        power: lambda of Box-Cox.
        mean: of the transformed training days; 0 where a scale is given.
        std: of the transformed training days, or the scale.
    """

    kind: Kind
    power: float
    mean: float
    std: float

    @classmethod
    def fit(cls, kind: Kind, train: Floats, scale: float | None = None) -> Transform:
        """Fit on the training days alone; a constant column keeps std 1; Box-Cox's power by maximum likelihood.

        With `scale`, transformed values are divided by it, and no mean is taken off.
        """
        power = 0.0
        if kind == "boxcox" and np.ptp(train) > 0:
            from scipy import optimize, stats

            unit = train / np.exp(np.log(train).mean())  # the likeliest power is the same in any unit
            found = optimize.minimize_scalar(
                lambda power: -stats.boxcox_llf(power, unit), bounds=_POWERS, method="bounded"
            )
            power = round(float(found.x), 4)
        if scale is not None:
            return cls(kind, power, 0.0, scale)
        made = _forward(kind, power, train)
        std = float(np.std(made))
        return cls(kind, power, float(np.mean(made)), std if std > 0 else 1.0)

    def forward(self, values: NDArray[np.floating]) -> Floats:
        """float64, of the shape of `values`."""
        return (_forward(self.kind, self.power, values.astype(np.float64)) - self.mean) / self.std

    def back(self, scaled: NDArray[np.floating]) -> Floats:
        """The inverse of `forward`, float64; what lies beyond the image of Box-Cox becomes its end."""
        values = scaled.astype(np.float64) * self.std + self.mean
        if self.kind == "log":
            return np.exp(values)
        if self.kind == "log1p":
            return np.expm1(values)
        if self.kind == "boxcox":
            from scipy import special

            if self.power:
                inside = np.maximum(self.power * values, -1.0) / self.power
                return np.asarray(special.inv_boxcox(inside, self.power))
            return np.exp(values)
        return values

    def stored(self) -> dict[str, Any]:
        """Its numbers, as JSON holds them."""
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


def check(kind: Kind, name: str, values: Floats, days: NDArray[np.datetime64]) -> None:
    """Whether all values can be transformed.

    Raises:
        UserError: names the first day whose value cannot.
    """
    wrong = {"log": values <= 0, "boxcox": values <= 0, "log1p": values < 0}.get(
        kind, np.zeros(len(values), bool)
    )
    if wrong.any():
        at = int(np.argmax(wrong))
        raise UserError(
            f"{name} is {values[at]:g} on {days[at]}",
            where=f"params.yaml: features.forecast.transform: {kind}",
            allowed="values of 0 and more" if kind == "log1p" else "values above 0",
            fix="say transform: none" if kind == "log1p" else "say transform: log1p, or none",
        )
