"""What was read, drawing by drawing, and what of it could not be read.

Memory holds about 70 bytes a drawing, and the ids where they do not follow from the order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from strokecast.quality.rules import EXAMPLES
from strokecast.quality.sketches.drawings import SPLITS, features

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 8_192  # drawings whose points are looked at together
READ = "read"  # the kind of a line or record that gave a drawing
DUPLICATE_KEY = "duplicate_key"
NOT_RECOGNIZED = "not_recognized"


class Reject(Protocol):
    """A line or record that gave no drawing."""

    @property
    def id(self) -> str:
        """`<file>:<line or record>`."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def kind(self) -> str:
        """Why, as one word; `duplicate_key` and `not_recognized` were left out on purpose."""

    @property
    def detail(self) -> str:
        """Why, as a sentence."""


class Group(Protocol):
    """Drawings of one class and split; a class and split may come in several groups."""

    @property
    def label(self) -> str:
        """The class."""

    @property
    def split(self) -> str:
        """`train`, `valid` or `test`."""

    @property
    def drawings(self) -> Sequence[NDArray[Any]]:
        """[n_points, 3] = (dx, dy, pen_lift) each."""

    @property
    def ids(self) -> Sequence[str]:
        """A name for each drawing, unique over all groups."""

    @property
    def rejects(self) -> Sequence[Reject]:
        """What gave no drawing, whatever this group's class and split."""


class Table:
    """The features of all drawings, in the order in which they are read, then the rejects.

    A position counts drawings from 0; rejects come after the last drawing.

    Args:
        known: the classes that the source names, in its order.
        least: see `drawings.features`.

    Attributes:
        drawings: drawings taken in.
        kinds: rejects taken in, by kind.
    """

    def __init__(self, known: Sequence[str], least: int) -> None:
        self.known = list(known)
        self.least = least
        self.drawings = 0
        self.kinds: Counter[str] = Counter()
        self._groups: list[tuple[str, str, int]] = []  # label, split, first position
        self._ids: list[Any] = []  # a group: pyarrow string array, or None: `<class>/<split>/<index>`
        self._parts: list[dict[str, NDArray[Any]]] = []
        self._codes: list[NDArray[np.int8]] = []  # kinds of rejects, by their position in `_names`
        self._names: list[str] = []
        self._told: dict[int, tuple[str, str]] = {}  # number of a reject → id, detail; the first of each kind

    @property
    def read(self) -> int:
        """Drawings and rejects."""
        return self.drawings + self.kinds.total()

    def add(self, group: Group) -> None:
        """Take in the drawings of one class and split, and the rejects beside them."""
        label, split, drawings, ids = group.label, group.split, group.drawings, list(group.ids)
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}")
        if len(ids) != len(drawings):
            raise ValueError(f"{len(drawings)} drawings, but {len(ids)} ids")
        self._groups.append((label, split, self.drawings))
        if ids == [f"{label}/{split}/{index}" for index in range(len(ids))]:
            self._ids.append(None)
        else:
            import pyarrow as pa

            self._ids.append(pa.array(ids, pa.string()))
        for start in range(0, max(len(drawings), 1), CHUNK):
            self._parts.append(features(drawings[start : start + CHUNK], self.least))
        self.drawings += len(drawings)
        codes = np.zeros(len(group.rejects), dtype=np.int8)
        for index, reject in enumerate(group.rejects):
            if reject.kind not in self._names:
                self._names.append(reject.kind)
            if self.kinds[reject.kind] < EXAMPLES:
                self._told[self.kinds.total()] = reject.id, f"{reject.kind}: {reject.detail}"
            self.kinds[reject.kind] += 1
            codes[index] = self._names.index(reject.kind)
        self._codes.append(codes)

    def finish(self) -> pd.DataFrame:
        """The table of drawings: the features, `label`, `split`, `copies_within`, `copies_across`.

        Both count drawings with the same points that come before, `copies_within` in the same
        split in reading order, `copies_across` in an earlier one (train, valid, test). Empty
        drawings and those of unknown classes are nobody's copy. `self.first_copy` holds the
        position of the first of all of them (-1: none).
        """
        import pandas as pd

        columns = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        self._parts = []
        sizes = np.diff([*(start for _, _, start in self._groups), self.drawings])
        labels = list(dict.fromkeys(label for label, _, _ in self._groups))
        number = {label: index for index, label in enumerate(labels)}
        codes = np.repeat([number[label] for label, _, _ in self._groups], sizes)
        splits = np.repeat([SPLITS.index(split) for _, split, _ in self._groups], sizes).astype(np.int8)
        known = np.array([label in self.known for label in labels], dtype=bool)[codes]
        digests = columns.pop("digest")
        columns["copies_within"], columns["copies_across"], self.first_copy = copies(
            digests, splits, (columns["n_points"] > 0) & known
        )
        frame = pd.DataFrame(columns)
        frame["label"] = pd.Categorical.from_codes(codes, categories=pd.Index(labels))
        frame["split"] = pd.Categorical.from_codes(splits, categories=pd.Index(SPLITS))
        self._starts = np.array([start for _, _, start in self._groups])
        return frame

    def lines(self) -> pd.DataFrame:
        """All that was read, by position: whether it gave a drawing.

        Returns:
            Columns `kind` (`read` for a drawing and for what was left out on purpose, else why it
            is none), `earlier_key` (0 or 1: its key_id stood further up) and `unrecognized` (0 or 1).
        """
        import pandas as pd

        names = [READ, *(name for name in self._names if name not in (DUPLICATE_KEY, NOT_RECOGNIZED))]
        found = np.concatenate([np.full(self.drawings, -1, dtype=np.int8), *self._codes])
        lookup = np.array([names.index(name) if name in names else 0 for name in self._names] + [0])
        frame = pd.DataFrame({"kind": pd.Categorical.from_codes(lookup[found], categories=pd.Index(names))})
        for column, name in (("earlier_key", DUPLICATE_KEY), ("unrecognized", NOT_RECOGNIZED)):
            code = self._names.index(name) if name in self._names else -2
            frame[column] = (found == code).astype(np.int8)
        return frame

    def name(self, position: int) -> str:
        """The id of the drawing at a position, or `<file>:<number>` of a reject among the first of its kind."""
        if position >= self.drawings:
            return self._told[position - self.drawings][0]
        group = int(np.searchsorted(self._starts, position, side="right")) - 1
        label, split, start = self._groups[group]
        ids = self._ids[group]
        return f"{label}/{split}/{position - start}" if ids is None else str(ids[position - start])

    def detail(self, position: int) -> str:
        """Why the reject at a position, among the first of its kind, gave no drawing."""
        return self._told[position - self.drawings][1]

    def counts(self, frame: pd.DataFrame, rejected: Iterable[int]) -> pd.DataFrame:
        """Accepted drawings of each known class and split.

        Returns:
            Columns `label`, `split`, `drawings`, and `largest_over_this`: on train, drawings of
            the largest class over those of this one (null elsewhere and for a class without any).
        """
        import pandas as pd

        accepted = np.ones(self.read, dtype=bool)
        accepted[list(rejected)] = False
        rows = frame.loc[accepted[: self.drawings], ["label", "split"]]
        found = rows.value_counts().to_dict()
        counted = [
            (label, split, int(found.get((label, split), 0))) for label in self.known for split in SPLITS
        ]
        table = pd.DataFrame(counted, columns=["label", "split", "drawings"])
        trained = (table["split"] == "train") & (table["drawings"] > 0)
        largest = table.loc[trained, "drawings"].max() if trained.any() else 0
        table["largest_over_this"] = np.where(trained, largest / table["drawings"].clip(lower=1), np.nan)
        return table


def copies(
    digests: NDArray[np.uint8], splits: NDArray[np.int8], eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Earlier copies of each drawing: in its own split, in earlier splits, and the first of all.

    Args:
        digests: bytes [N, 16].
        splits: [N], position in `SPLITS`.
        eligible: bool [N]; the others are nobody's copy.

    Returns:
        int32 [N], int32 [N] and int64 [N] (a position; -1: none).
    """
    halves = np.ascontiguousarray(digests).view(np.uint64)  # [N, 2]
    order = np.flatnonzero(eligible)
    order = order[np.lexsort((order, splits[order], halves[order, 1], halves[order, 0]))]
    within, across = np.zeros((2, len(digests)), dtype=np.int32)
    first = np.full(len(digests), -1, dtype=np.int64)
    if len(order):
        places = np.arange(len(order))
        new = np.ones(len(order), dtype=bool)
        new[1:] = (halves[order[1:]] != halves[order[:-1]]).any(axis=1)
        turn = new.copy()  # the first of its split
        turn[1:] |= splits[order[1:]] != splits[order[:-1]]
        start = np.maximum.accumulate(np.where(new, places, 0))
        split_start = np.maximum.accumulate(np.where(turn, places, 0))
        within[order] = places - split_start
        across[order] = split_start - start
        first[order] = np.where(new, -1, order[start])
    return within, across, first
