"""The table of all drawings and rejected records, stored on disk and read in batches."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.rules import MAX_EXAMPLES
from strokecast.validation.sketches.duplicates import DuplicateFinder
from strokecast.validation.sketches.features import drawing_features
from strokecast.validation.sketches.groups import DUPLICATE_KEY, NOT_RECOGNIZED, SPLITS, SketchGroup
from strokecast.validation.sketches.rules import READ
from strokecast.validation.sketches.spool import Spools

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 8_192  # drawings whose features are computed together
BATCH_SIZE = 65_536  # drawings that are validated together
_FEATURES = (
    ("n_points", "i4"), ("n_nonfinite", "i4"), ("max_abs_delta", "f4"), ("n_bad_pen", "i4"),
    ("last_pen", "f4"), ("n_strokes", "i4"), ("ink", "f4"), ("mean_delta", "f4"), ("aspect", "f4"),
)  # fmt: skip
_ROW_DTYPE = np.dtype([*_FEATURES, ("label", "i4"), ("split", "i1")])


class _GroupRange(NamedTuple):
    """Position and ids of a group.

    Attributes:
        label: class of the group.
        split: split of the group.
        start: position of its first drawing.
        first_id: row of its first id in `_id_ends`; -1: the ids are `<class>/<split>/<index>`.
    """

    label: str
    split: str
    start: int
    first_id: int


class DrawingTable:
    """Features of all drawings in reading order, followed by the rejected records.

    Positions count drawings from 0; rejected records follow the last drawing. First `add` all
    groups, then iterate over `drawing_batches`. Memory holds `BATCH_SIZE` drawings.

    Args:
        classes: the classes that the source lists, in its order.
        min_points: see `features.drawing_features`.
        spools: storage of the rows.

    Attributes:
        n_drawings: number of drawings.
        reject_counts: kind → number of rejected records.
        labels: classes of the drawings, in reading order.
    """

    def __init__(self, classes: Sequence[str], min_points: int, spools: Spools) -> None:
        self.classes = list(classes)
        self.min_points = min_points
        self.n_drawings = 0
        self.reject_counts: Counter[str] = Counter()
        self.labels: list[str] = []
        self._groups: list[_GroupRange] = []
        self._id_bytes, self._id_ends = spools.new("u1"), spools.new("i8")  # UTF-8, and the end of each id
        self._rows = spools.new(_ROW_DTYPE)
        self._duplicates = DuplicateFinder(spools)
        self._reject_codes = spools.new("i1")  # index in `_reject_kinds` of each rejected record
        self._reject_kinds: list[str] = []
        # Index of a rejected record → id, detail; only of the first records of each kind.
        self._reject_texts: dict[int, tuple[str, str]] = {}
        # Position → position of the first copy; only of the current batch.
        self._first_copies: dict[int, int] = {}

    @property
    def n_read(self) -> int:
        """Number of drawings and rejected records."""
        return self.n_drawings + self.reject_counts.total()

    def add(self, group: SketchGroup) -> None:
        """Add the drawings and rejected records of a group.

        Raises:
            ValueError: if the split is unknown, or there is not one id per drawing.
        """
        label, split, drawings = group.label, group.split, group.drawings
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}")
        if len(group.ids) != len(drawings):
            raise ValueError(f"{len(drawings)} drawings, but {len(group.ids)} ids")
        if label not in self.labels:
            self.labels.append(label)
        self._groups.append(_GroupRange(label, split, self.n_drawings, self._add_ids(group)))
        for start in range(0, len(drawings), CHUNK_SIZE):
            self._add_features(drawings[start : start + CHUNK_SIZE], label, SPLITS.index(split))
        codes = np.zeros(len(group.rejects), dtype=np.int8)
        for index, reject in enumerate(group.rejects):
            if reject.kind not in self._reject_kinds:
                self._reject_kinds.append(reject.kind)
            if self.reject_counts[reject.kind] < MAX_EXAMPLES:
                detail = f"{reject.kind}: {reject.detail}"
                self._reject_texts[self.reject_counts.total()] = reject.id, detail
            self.reject_counts[reject.kind] += 1
            codes[index] = self._reject_kinds.index(reject.kind)
        self._reject_codes.append(codes)

    def _add_ids(self, group: SketchGroup) -> int:
        """Store the ids unless they follow from the order; returns `first_id` of the group."""
        if all(name == f"{group.label}/{group.split}/{index}" for index, name in enumerate(group.ids)):
            return -1
        first_id = len(self._id_ends)
        ids = [name.encode() for name in group.ids]
        self._id_ends.append(len(self._id_bytes) + np.cumsum([len(name) for name in ids]))
        self._id_bytes.append(np.frombuffer(b"".join(ids), dtype=np.uint8))
        return first_id

    def _add_features(self, drawings: Sequence[NDArray[Any]], label: str, split: int) -> None:
        columns = drawing_features(drawings, self.min_points)
        rows = np.empty(len(drawings), dtype=_ROW_DTYPE)
        for name, _ in _FEATURES:
            rows[name] = columns[name]
        rows["label"], rows["split"] = self.labels.index(label), split
        self._rows.append(rows)
        if label in self.classes:
            nonempty = np.flatnonzero(columns["n_points"] > 0)
            self._duplicates.add(columns["digest"][nonempty], split, self.n_drawings + nonempty)
        self.n_drawings += len(drawings)

    def drawing_batches(self) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield (first position, features of up to `BATCH_SIZE` drawings), at least one batch.

        Columns are the features, `label`, `split`, `copies_within` and `copies_across`: the numbers
        of earlier drawings with the same points in the same split (in reading order) and in
        earlier splits (train, valid, test). Empty drawings and drawings of unlisted classes are
        never copies.
        """
        import pandas as pd

        self._duplicates.finish()
        for start in range(0, max(self.n_drawings, 1), BATCH_SIZE):
            rows = self._rows.read(start, start + BATCH_SIZE)
            duplicates = self._duplicates.duplicates_in(start, start + len(rows))
            self._first_copies = dict(
                zip(duplicates["position"].tolist(), duplicates["first"].tolist(), strict=True)
            )
            frame = pd.DataFrame({name: rows[name] for name, _ in _FEATURES})
            for name in ("within", "across"):
                copies = np.zeros(len(rows), dtype=np.int32)
                copies[duplicates["position"] - start] = duplicates[name]
                frame[f"copies_{name}"] = copies
            frame["label"] = pd.Categorical.from_codes(rows["label"], categories=pd.Index(self.labels))
            frame["split"] = pd.Categorical.from_codes(rows["split"], categories=pd.Index(SPLITS))
            yield start, frame

    def record_batches(self) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yield (first position, up to `BATCH_SIZE` lines and records), at least one batch.

        Columns are `kind` (`read` for a drawing and for a record that an option excludes, else why
        it is not a drawing), `is_duplicate_key` (0 or 1: excluded because of its key_id) and
        `is_not_recognized` (0 or 1: excluded because the game did not recognize it).
        """
        import pandas as pd

        excluded = (DUPLICATE_KEY, NOT_RECOGNIZED)
        kinds = [READ, *(kind for kind in self._reject_kinds if kind not in excluded)]
        kind_codes = [kinds.index(kind) if kind in kinds else 0 for kind in self._reject_kinds]
        lookup = np.array([*kind_codes, 0])  # the last one is for -1: a drawing
        for start in range(0, max(self.n_read, 1), BATCH_SIZE):
            stop = min(start + BATCH_SIZE, self.n_read)
            rejects = self._reject_codes.read(max(start - self.n_drawings, 0), max(stop - self.n_drawings, 0))
            drawings = np.full(stop - start - len(rejects), -1, dtype=np.int8)
            codes = np.concatenate([drawings, rejects])
            frame = pd.DataFrame(
                {"kind": pd.Categorical.from_codes(lookup[codes], categories=pd.Index(kinds))}
            )
            for column, kind in (
                ("is_duplicate_key", DUPLICATE_KEY),
                ("is_not_recognized", NOT_RECOGNIZED),
            ):
                code = self._reject_kinds.index(kind) if kind in self._reject_kinds else -2
                frame[column] = (codes == code).astype(np.int8)
            yield start, frame

    def name(self, position: int) -> str:
        """Id of a drawing, or `<file>:<number>` of a rejected record among the first of its kind."""
        if position >= self.n_drawings:
            return self._reject_texts[position - self.n_drawings][0]
        group = self._groups[bisect_right(self._groups, position, key=lambda group: group.start) - 1]
        index = position - group.start
        if group.first_id < 0:
            return f"{group.label}/{group.split}/{index}"
        row = group.first_id + index
        start = int(self._id_ends.read(row - 1, row)[0]) if row else 0
        return self._id_bytes.read(start, int(self._id_ends.read(row, row + 1)[0])).tobytes().decode()

    def first_copy(self, position: int) -> str:
        """Id of the first drawing with the same points as a drawing of the current batch."""
        return self.name(self._first_copies[position])

    def reject_detail(self, position: int) -> str:
        """Why a rejected record, among the first of its kind, is not a drawing."""
        return self._reject_texts[position - self.n_drawings][1]
