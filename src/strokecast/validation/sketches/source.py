"""Facts about downloaded drawings that validation needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class SketchSource:
    """Facts from `source.json` of `data/raw/sketches`.

    Attributes:
        source: name of the source in `sketches.source`.
        classes: the classes that the source lists, in its order.
    """

    source: str
    classes: tuple[str, ...]

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Self:
        """From the contents of `source.json`; other keys are ignored."""
        return cls(source=facts["source"], classes=tuple(facts["classes"]))
