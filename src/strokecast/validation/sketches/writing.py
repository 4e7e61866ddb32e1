"""The second pass over the drawings: write accepted drawings and the quarantine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common.console import progress
from strokecast.validation.sketches.features import flatten
from strokecast.validation.sketches.gallery import GalleryDrawing
from strokecast.validation.sketches.groups import (
    SPLITS,
    ReadGroups,
    RejectedRecord,
    SketchGroup,
    reject_reason,
)
from strokecast.validation.sketches.tally import ValidationTally

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_SIZE = 8_192  # drawings per parquet row group


class WrittenRows(NamedTuple):
    """What `write_parquet` wrote.

    Attributes:
        n_accepted: accepted drawings.
        n_quarantined: rejected drawings and records.
        gallery: the drawings of the gallery.
    """

    n_accepted: int
    n_quarantined: int
    gallery: list[GalleryDrawing]


def write_parquet(
    read_groups: ReadGroups, tally: ValidationTally, captions: Mapping[int, str], target: Path
) -> WrittenRows:
    """Write `train.parquet`, `valid.parquet`, `test.parquet` and `quarantine.parquet`.

    Memory holds one group, and one row group per file.

    Args:
        read_groups: as for `validate_sketches`.
        tally: the failed rules of each drawing.
        captions: position → caption of the drawings of the gallery.
        target: folder of the files.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    quarantine_schema = pa.schema(
        [
            ("id", pa.string()),
            ("label", pa.string()),
            ("split", pa.string()),
            ("reasons", pa.list_(pa.string())),
            ("points", pa.list_(pa.float64())),
            ("detail", pa.string()),
        ]
    )
    n_accepted = n_quarantined = 0
    gallery: list[GalleryDrawing] = []
    with ExitStack() as stack:

        def open_writer(name: str, schema: pa.Schema) -> Any:
            path = target / f"{name}.parquet"
            return stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))

        split_writers: dict[str, Any] = {}
        quarantine_writer = open_writer("quarantine", quarantine_schema)
        for group, start in _groups_with_positions(read_groups, "writing"):
            schema = _accepted_schema(has_times=group.times is not None)  # same for all groups of a source
            split_writers = split_writers or {split: open_writer(split, schema) for split in SPLITS}
            failed_rules = tally.failed_rules(start, len(group.drawings))
            accepted = np.flatnonzero(failed_rules == 0).tolist()
            for first in range(0, len(accepted), ROW_GROUP_SIZE):
                table = _accepted_table(group, accepted[first : first + ROW_GROUP_SIZE], schema)
                split_writers[group.split].write_table(table)
            rejected = _quarantine_rows(group, failed_rules, tally)
            while rows := list(islice(rejected, ROW_GROUP_SIZE)):
                columns = [list(column) for column in zip(*rows, strict=True)]
                quarantine_writer.write_table(pa.table(columns, schema=quarantine_schema))
                n_quarantined += len(rows)
            n_accepted += len(accepted)
            gallery += _gallery_drawings(group, start, captions)
    return WrittenRows(n_accepted, n_quarantined, gallery)


def _accepted_schema(has_times: bool) -> pa.Schema:
    import pyarrow as pa

    fields = [
        ("id", pa.string()),
        ("label", pa.string()),
        ("length", pa.int32()),
        ("points", pa.list_(pa.float32())),
    ]
    return pa.schema([*fields, ("times", pa.list_(pa.int32()))] if has_times else fields)


def _accepted_table(group: SketchGroup, indices: list[int], schema: pa.Schema) -> pa.Table:
    """The drawings of a group at `indices`, as one row group."""
    import pyarrow as pa

    points, offsets = flatten([group.drawings[index] for index in indices])
    columns = [
        [group.ids[index] for index in indices],
        [group.label] * len(indices),
        np.diff(offsets).astype(np.int32),
        pa.ListArray.from_arrays(pa.array(offsets * 3, pa.int32()), pa.array(points.ravel())),
    ]
    if group.times is not None:
        columns.append([group.times[index] for index in indices])
    return pa.table(columns, schema=schema)


def _quarantine_rows(
    group: SketchGroup, failed_rules: NDArray[np.uint32], tally: ValidationTally
) -> Iterator[tuple[Any, ...]]:
    """The rejected drawings and records of a group, as rows of the quarantine."""
    for index in np.flatnonzero(failed_rules).tolist():
        points = np.asarray(group.drawings[index], dtype=np.float64).ravel()
        reasons = tally.reasons(int(failed_rules[index]))
        yield group.ids[index], group.label, group.split, reasons, points, None
    for reject in group.rejects:
        detail = f"{reject.kind}: {reject.detail}"
        yield reject.id, _label_of(reject, group), None, [reject_reason(reject)], [], detail


def list_rejected(
    read_groups: ReadGroups,
    tally: ValidationTally,
    captions: Mapping[int, str],
    gallery: list[GalleryDrawing],
) -> Iterator[tuple[str, ...]]:
    """Yield (row, reason ...) of each rejected row, if the pipeline stops before anything is written.

    Args:
        read_groups, tally, captions: as for `write_parquet`.
        gallery: the drawings of the gallery are appended to it during the iteration.
    """
    for group, start in _groups_with_positions(read_groups, "listing rejected rows"):
        failed_rules = tally.failed_rules(start, len(group.drawings))
        for index in np.flatnonzero(failed_rules).tolist():
            yield group.ids[index], *tally.reasons(int(failed_rules[index]))
        for reject in group.rejects:
            yield reject.id, reject_reason(reject)
        gallery += _gallery_drawings(group, start, captions)


def _groups_with_positions(read_groups: ReadGroups, activity: str) -> Iterator[tuple[SketchGroup, int]]:
    """Yield each group and the position of its first drawing."""
    position = 0
    for group in progress(read_groups(), activity, unit=" groups"):
        yield group, position
        position += len(group.drawings)


def _gallery_drawings(group: SketchGroup, start: int, captions: Mapping[int, str]) -> list[GalleryDrawing]:
    return [
        GalleryDrawing(group.ids[position - start], caption, group.drawings[position - start])
        for position, caption in captions.items()
        if start <= position < start + len(group.drawings)
    ]


def _label_of(reject: RejectedRecord, group: SketchGroup) -> str | None:
    """The class of the record's file; None if the file holds several classes."""
    return group.label if reject.file.startswith(f"{group.label}.") else None
