"""The groups of drawings that validation reads, as protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "test")
DUPLICATE_KEY = "duplicate_key"  # kinds of rejected records that the options of the source exclude
NOT_RECOGNIZED = "not_recognized"


class RejectedRecord(Protocol):
    """A line or record that is not a drawing, or is excluded."""

    @property
    def id(self) -> str:
        """`<file>:<line or record>`."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def kind(self) -> str:
        """The reason as one word."""

    @property
    def detail(self) -> str:
        """The reason as a sentence."""


class SketchGroup(Protocol):
    """Drawings of one class and split. A class and split may come in several groups."""

    @property
    def label(self) -> str:
        """The class."""

    @property
    def split(self) -> str:
        """`train`, `valid` or `test`."""

    @property
    def drawings(self) -> Sequence[NDArray[Any]]:
        """[n_points, 3] = (dx, dy, pen_lift) per drawing."""

    @property
    def ids(self) -> Sequence[str]:
        """One name per drawing, unique over all groups."""

    @property
    def times(self) -> Sequence[NDArray[np.int32]] | None:
        """[n_points] per drawing, ms since it began; None if the source has no times."""

    @property
    def rejects(self) -> Sequence[RejectedRecord]:
        """Rejected lines and records, of any class and split."""


ReadGroups = Callable[[], Iterable[SketchGroup]]


def reject_reason(reject: RejectedRecord) -> str:
    """Name of the rule that a rejected record fails."""
    return reject.kind if reject.kind in (DUPLICATE_KEY, NOT_RECOGNIZED) else "unreadable"
