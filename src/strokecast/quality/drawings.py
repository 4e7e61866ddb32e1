"""The feature table of drawings: one row a drawing, what the rules look at and nothing else.

Shape legend: N drawings of one class and split, P points of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "valid", "test")
HASH = 16  # bytes a drawing


def flatten(drawings: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points of all drawings one after another, float32 [P, 3], and their offsets, int64 [N + 1].

    What float32 cannot hold becomes infinite; -0.0 becomes 0.0.
    """
    offsets = np.zeros(len(drawings) + 1, dtype=np.int64)
    np.cumsum([len(drawing) for drawing in drawings], out=offsets[1:])
    filled = [drawing for drawing in drawings if len(drawing)]
    if not filled:
        return np.zeros((0, 3), dtype=np.float32), offsets
    with np.errstate(over="ignore"):
        return np.concatenate(filled).astype(np.float32) + np.float32(0), offsets


def features(drawings: Sequence[NDArray[Any]], least: int) -> dict[str, NDArray[Any]]:
    """Features of the drawings of one class and split.

    Args:
        drawings: N arrays [n_points, 3] = (dx, dy, pen_lift).
        least: points; `last_pen` of shorter drawings is null.

    Returns:
        Columns of length N:
        `n_points` int32;
        `n_nonfinite` int32: values that are NaN or infinite;
        `max_abs_delta` float32: largest finite |dx| or |dy|, 0 for an empty drawing;
        `n_bad_pen` int32: finite pen values other than 0 and 1;
        `last_pen` float32: pen_lift of the last point, NaN where it is neither 0 nor 1;
        `digest` bytes [N, 16]: BLAKE2b of the points.
    """
    flat, offsets = flatten(drawings)
    lengths = np.diff(offsets)
    some = lengths > 0
    starts = offsets[:-1][some]
    finite = np.isfinite(flat)
    pen = flat[:, 2]
    is_bit = (pen == 0) | (pen == 1)
    deltas = np.where(finite[:, :2], np.abs(flat[:, :2]), np.float32(0)).max(axis=1, initial=0)
    columns: dict[str, NDArray[Any]] = {"n_points": lengths.astype(np.int32)}

    def spread(values: NDArray[Any], reduce: np.ufunc, dtype: type) -> NDArray[Any]:
        column: NDArray[Any] = np.zeros(len(lengths), dtype=dtype)
        if len(starts):
            column[some] = reduce.reduceat(values, starts)
        return column

    columns["n_nonfinite"] = spread((~finite).sum(axis=1), np.add, np.int32)
    columns["max_abs_delta"] = spread(deltas, np.maximum, np.float32)
    columns["n_bad_pen"] = spread((finite[:, 2] & ~is_bit).astype(np.int32), np.add, np.int32)
    last = np.full(len(lengths), np.nan, dtype=np.float32)
    last[some] = np.where(is_bit, pen, np.float32(np.nan))[offsets[1:][some] - 1]
    last[lengths < least] = np.nan
    columns["last_pen"] = last
    digests = np.zeros((len(lengths), HASH), dtype=np.uint8)
    data = memoryview(flat.tobytes())
    row = flat.itemsize * 3
    for index, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        found = hashlib.blake2b(data[start * row : end * row], digest_size=HASH)
        digests[index] = np.frombuffer(found.digest(), dtype=np.uint8)
    columns["digest"] = digests
    return columns


class Table:
    """The features of all drawings, in the order in which they are read.

    Args:
        known: the classes that the source names, in its order.
        least: see `features`.
    """

    def __init__(self, known: Sequence[str], least: int) -> None:
        self.known = list(known)
        self.least = least
        self.groups: list[tuple[str, str, int]] = []  # label, split, first position
        self._parts: list[dict[str, NDArray[Any]]] = []
        self.read = 0

    def add(self, label: str, split: str, drawings: Sequence[NDArray[Any]]) -> None:
        """Take in the drawings of one class and split."""
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}")
        self.groups.append((label, split, self.read))
        self._parts.append(features(drawings, self.least))
        self.read += len(drawings)

    def finish(self) -> pd.DataFrame:
        """The table: the features, `label`, `split` and `earlier_copies`.

        `earlier_copies` counts drawings with the same points that come before: first the train
        split in reading order, then valid, then test. Empty drawings and those of unknown classes
        are nobody's copy. `self.first_copy` holds the position of the first of them (-1: none).
        """
        import pandas as pd

        columns = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        self._parts = []
        sizes = np.diff([*(start for _, _, start in self.groups), self.read])
        labels = list(dict.fromkeys(label for label, _, _ in self.groups))
        codes = np.repeat([labels.index(label) for label, _, _ in self.groups], sizes)
        splits = np.repeat([SPLITS.index(split) for _, split, _ in self.groups], sizes)
        known = np.array([label in self.known for label in labels], dtype=bool)[codes]
        digests = columns.pop("digest")
        columns["earlier_copies"], self.first_copy = _copies(
            digests, splits, (columns["n_points"] > 0) & known
        )
        frame = pd.DataFrame(columns)
        frame["label"] = pd.Categorical.from_codes(codes, categories=pd.Index(labels))
        frame["split"] = pd.Categorical.from_codes(splits, categories=pd.Index(SPLITS))
        return frame

    def name(self, position: int) -> str:
        """`<class>/<split>/<index in the source>` of the drawing at a position."""
        starts = np.array([start for _, _, start in self.groups])
        label, split, start = self.groups[int(np.searchsorted(starts, position, side="right")) - 1]
        return f"{label}/{split}/{position - start}"

    def counts(self, frame: pd.DataFrame, rejected: Iterable[int]) -> pd.DataFrame:
        """Accepted drawings of each known class and split.

        Returns:
            Columns `label`, `split`, `drawings`, and `largest_over_this`: on train, drawings of
            the largest class over those of this one (null elsewhere and for a class without any).
        """
        import pandas as pd

        accepted = np.ones(len(frame), dtype=bool)
        accepted[list(rejected)] = False
        found = frame.loc[accepted, ["label", "split"]].value_counts().to_dict()
        rows = [(label, split, int(found.get((label, split), 0))) for label in self.known for split in SPLITS]
        table = pd.DataFrame(rows, columns=["label", "split", "drawings"])
        trained = (table["split"] == "train") & (table["drawings"] > 0)
        largest = table.loc[trained, "drawings"].max() if trained.any() else 0
        table["largest_over_this"] = np.where(trained, largest / table["drawings"].clip(lower=1), np.nan)
        return table


def _copies(
    digests: NDArray[np.uint8], splits: NDArray[np.int64], eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    halves = np.ascontiguousarray(digests).view(np.uint64)  # [N, 2]
    order = np.flatnonzero(eligible)
    order = order[np.lexsort((order, splits[order], halves[order, 1], halves[order, 0]))]
    copies = np.zeros(len(digests), dtype=np.int32)
    first = np.full(len(digests), -1, dtype=np.int64)
    if len(order):
        new = np.ones(len(order), dtype=bool)
        new[1:] = (halves[order[1:]] != halves[order[:-1]]).any(axis=1)
        group_start = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
        copies[order] = np.arange(len(order)) - group_start
        first[order] = np.where(new, -1, order[group_start])
    return copies, first
