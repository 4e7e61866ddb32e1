"""What was read, drawing by drawing, and what of it could not be read.

What the rules look at waits on disk (`quality.sketches.spool`); memory holds `PART` drawings of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.rules import EXAMPLES
from strokecast.validation.sketches.drawings import SPLITS, features
from strokecast.validation.sketches.duplicates import Copies
from strokecast.validation.sketches.spool import Spools

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 8_192  # drawings whose points are looked at together
PART = 65_536  # drawings that are judged together
READ = "read"  # the kind of a line or record that gave a drawing
DUPLICATE_KEY = "duplicate_key"
NOT_RECOGNIZED = "not_recognized"
_NUMBERS = (
    ("n_points", "i4"), ("n_nonfinite", "i4"), ("max_abs_delta", "f4"), ("n_bad_pen", "i4"),
    ("last_pen", "f4"), ("n_strokes", "i4"), ("ink", "f4"), ("mean_delta", "f4"), ("aspect", "f4"),
)  # fmt: skip
_ROW = np.dtype([*_NUMBERS, ("label", "i4"), ("split", "i1")])


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
    def times(self) -> Sequence[NDArray[np.int32]] | None:
        """[n_points] for each drawing, ms since it began; None where the source has no time."""

    @property
    def rejects(self) -> Sequence[Reject]:
        """What gave no drawing, whatever this group's class and split."""


class Table:
    """The features of all drawings, in the order in which they are read, then the rejects.

    A position counts drawings from 0; rejects come after the last drawing. First `add` all groups,
    then go through the `parts`.

    Args:
        known: the classes that the source names, in its order.
        least: see `drawings.features`.
        spools: where the rows wait.

    Attributes:
        drawings: drawings taken in.
        kinds: rejects taken in, by kind.
        labels: classes of the drawings, in the order in which they came.
    """

    def __init__(self, known: Sequence[str], least: int, spools: Spools) -> None:
        self.known = list(known)
        self.least = least
        self.drawings = 0
        self.kinds: Counter[str] = Counter()
        self.labels: list[str] = []
        self._groups: list[tuple[str, str, int]] = []  # label, split, first position
        self._named: list[int] = []  # a group: first row of `_ends`, or -1: `<class>/<split>/<index>`
        self._names, self._ends = spools.new("u1"), spools.new("i8")  # ids in UTF-8, and where each ends
        self._rows = spools.new(_ROW)
        self._copies = Copies(spools)
        self._codes = spools.new("i1")  # kinds of rejects, by their position in `_kinds`
        self._kinds: list[str] = []
        self._told: dict[int, tuple[str, str]] = {}  # number of a reject → id, detail; the first of each kind
        self._first: dict[int, int] = {}  # position → that of the first copy, in the part at hand

    @property
    def read(self) -> int:
        """Drawings and rejects."""
        return self.drawings + self.kinds.total()

    def add(self, group: Group) -> None:
        """Take in the drawings of one class and split, and the rejects beside them."""
        label, split, drawings = group.label, group.split, group.drawings
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}")
        if len(group.ids) != len(drawings):
            raise ValueError(f"{len(drawings)} drawings, but {len(group.ids)} ids")
        if label not in self.labels:
            self.labels.append(label)
        self._groups.append((label, split, self.drawings))
        self._name(group)
        for start in range(0, len(drawings), CHUNK):
            self._measure(drawings[start : start + CHUNK], label, SPLITS.index(split))
        codes = np.zeros(len(group.rejects), dtype=np.int8)
        for index, reject in enumerate(group.rejects):
            if reject.kind not in self._kinds:
                self._kinds.append(reject.kind)
            if self.kinds[reject.kind] < EXAMPLES:
                self._told[self.kinds.total()] = reject.id, f"{reject.kind}: {reject.detail}"
            self.kinds[reject.kind] += 1
            codes[index] = self._kinds.index(reject.kind)
        self._codes.append(codes)

    def _name(self, group: Group) -> None:
        """Keep the ids where they do not follow from the order."""
        if all(name == f"{group.label}/{group.split}/{index}" for index, name in enumerate(group.ids)):
            self._named.append(-1)
            return
        self._named.append(len(self._ends))
        names = [name.encode() for name in group.ids]
        self._ends.append(len(self._names) + np.cumsum([len(name) for name in names]))
        self._names.append(np.frombuffer(b"".join(names), dtype=np.uint8))

    def _measure(self, drawings: Sequence[NDArray[Any]], label: str, split: int) -> None:
        columns = features(drawings, self.least)
        rows = np.empty(len(drawings), dtype=_ROW)
        for name, _ in _NUMBERS:
            rows[name] = columns[name]
        rows["label"], rows["split"] = self.labels.index(label), split
        self._rows.append(rows)
        if label in self.known:
            some = np.flatnonzero(columns["n_points"] > 0)
            self._copies.add(columns["digest"][some], split, self.drawings + some)
        self.drawings += len(drawings)

    def parts(self) -> Iterator[tuple[int, pd.DataFrame]]:
        """(first position, features of up to `PART` drawings), one part at least.

        Columns are the features, `label`, `split`, `copies_within` and `copies_across`. Both count
        drawings with the same points that come before, `copies_within` in the same split in reading
        order, `copies_across` in an earlier one (train, valid, test). Empty drawings and those of
        unknown classes are nobody's copy.
        """
        import pandas as pd

        self._copies.finish()
        for start in range(0, max(self.drawings, 1), PART):
            rows = self._rows.read(start, start + PART)
            copies = self._copies.between(start, start + len(rows))
            self._first = dict(zip(copies["position"].tolist(), copies["first"].tolist(), strict=True))
            frame = pd.DataFrame({name: rows[name] for name, _ in _NUMBERS})
            for name in ("within", "across"):
                column = np.zeros(len(rows), dtype=np.int32)
                column[copies["position"] - start] = copies[name]
                frame[f"copies_{name}"] = column
            frame["label"] = pd.Categorical.from_codes(rows["label"], categories=pd.Index(self.labels))
            frame["split"] = pd.Categorical.from_codes(rows["split"], categories=pd.Index(SPLITS))
            yield start, frame

    def lines(self) -> Iterator[tuple[int, pd.DataFrame]]:
        """(first position, up to `PART` of all that was read): whether it gave a drawing.

        Columns are `kind` (`read` for a drawing and for what was left out on purpose, else why it
        is none), `earlier_key` (0 or 1: its key_id stood further up) and `unrecognized` (0 or 1).
        """
        import pandas as pd

        names = [READ, *(name for name in self._kinds if name not in (DUPLICATE_KEY, NOT_RECOGNIZED))]
        lookup = np.array([names.index(name) if name in names else 0 for name in self._kinds] + [0])
        for start in range(0, max(self.read, 1), PART):
            stop = min(start + PART, self.read)
            rejects = self._codes.read(max(start - self.drawings, 0), max(stop - self.drawings, 0))
            found = np.concatenate([np.full(stop - start - len(rejects), -1, dtype=np.int8), rejects])
            kinds = pd.Categorical.from_codes(lookup[found], categories=pd.Index(names))
            frame = pd.DataFrame({"kind": kinds})
            for column, name in (("earlier_key", DUPLICATE_KEY), ("unrecognized", NOT_RECOGNIZED)):
                code = self._kinds.index(name) if name in self._kinds else -2
                frame[column] = (found == code).astype(np.int8)
            yield start, frame

    def name(self, position: int) -> str:
        """The id of the drawing at a position, or `<file>:<number>` of a reject among the first of its kind."""
        if position >= self.drawings:
            return self._told[position - self.drawings][0]
        group = self._group(position)
        label, split, start = self._groups[group]
        if self._named[group] < 0:
            return f"{label}/{split}/{position - start}"
        row = self._named[group] + position - start
        before = int(self._ends.read(row - 1, row)[0]) if row else 0
        return self._names.read(before, int(self._ends.read(row, row + 1)[0])).tobytes().decode()

    def _group(self, position: int) -> int:
        """The group that holds a position."""
        return bisect_right(self._groups, position, key=lambda group: group[2]) - 1

    def first_copy(self, position: int) -> str:
        """The id of the first drawing with the same points; the position lies in the part at hand."""
        return self.name(self._first[position])

    def detail(self, position: int) -> str:
        """Why the reject at a position, among the first of its kind, gave no drawing."""
        return self._told[position - self.drawings][1]
