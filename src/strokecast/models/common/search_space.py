"""What `strokecast tune` may try for one key: a range or a list of choices, declared beside an architecture's config."""

from __future__ import annotations

import math
from dataclasses import dataclass

Value = bool | int | float | str

_DIGITS = 3  # of the numbers that are tried, so that params.yaml can hold exactly what was tried


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; integers if both are.

    Attributes:
        log: sample the logarithm evenly.
    """

    low: float
    high: float
    log: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether only integers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def round(self, value: float) -> Value:
        """`value` with three significant digits, within the range."""
        if self.is_integer:
            return round(value)
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)

    def grid(self, points: int = 3) -> tuple[Value, ...]:
        """At most `points` different values from `low` to `high`, evenly spaced on the scale of the range."""
        shares = [index / (points - 1) for index in range(points)]
        if self.log:
            values = [
                math.exp(math.log(self.low) + share * math.log(self.high / self.low)) for share in shares
            ]
        else:
            values = [self.low + share * (self.high - self.low) for share in shares]
        return tuple(dict.fromkeys(map(self.round, values)))

    def contains(self, value: object) -> bool:
        """Whether a search over this range may try `value`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and not (self.is_integer and value != round(value))


@dataclass(frozen=True)
class Choices:
    """A list of values."""

    values: tuple[Value, ...]

    def round(self, value: Value) -> Value:
        """`value` itself."""
        return value

    def grid(self, points: int = 0) -> tuple[Value, ...]:
        """All of them."""
        return self.values

    def contains(self, value: object) -> bool:
        """Whether `value` is one of them."""
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.values)


Dimension = Range | Choices
