"""The second pass over the drawings: each one to the accepted ones or to the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.stage import progress
from strokecast.validation.sketches.drawings import SPLITS, flatten
from strokecast.validation.sketches.table import DUPLICATE_KEY, NOT_RECOGNIZED, Group, Reject
from strokecast.validation.sketches.tallies import Accounts
from strokecast.validation.sketches.worst import Pictured

Read = Callable[[], Iterable[Group]]
ROW_GROUP = 8_192  # drawings: what a reader holds at once


def reason(reject: Reject) -> str:
    """The rule that a line or record without a drawing breaks."""
    return reject.kind if reject.kind in (DUPLICATE_KEY, NOT_RECOGNIZED) else "unreadable"


def write(
    read: Read, accounts: Accounts, chosen: Mapping[int, str], folder: Path
) -> tuple[int, int, list[Pictured]]:
    """Write `train.parquet`, `valid.parquet`, `test.parquet` and `quarantine.parquet`.

    Memory holds one group and one row group of each file.

    Args:
        read: as for `sketches.validate`.
        accounts: the rules that each drawing breaks.
        chosen: position → why it is pictured.
        folder: where the files go.

    Returns:
        How many rows were accepted and quarantined, and the chosen drawings.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = [("id", pa.string()), ("label", pa.string())]
    good = [*head, ("length", pa.int32()), ("points", pa.list_(pa.float32()))]
    bad = pa.schema(
        [
            *head,
            ("split", pa.string()),
            ("reasons", pa.list_(pa.string())),
            ("points", pa.list_(pa.float64())),
            ("detail", pa.string()),
        ]
    )
    accepted = quarantined = 0
    pictured: list[Pictured] = []
    with ExitStack() as stack:

        def writer(name: str, schema: Any) -> Any:
            path = folder / f"{name}.parquet"
            return stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))

        outputs: dict[str, Any] = {}
        aside = writer("quarantine", bad)
        for group, position in _positions(read, "writing"):
            timed = [] if group.times is None else [("times", pa.list_(pa.int32()))]
            schema = pa.schema([*good, *timed])  # of one source: the same for all groups
            outputs = outputs or {split: writer(split, schema) for split in SPLITS}
            marks = accounts.marks(position, len(group.drawings))
            keep = np.flatnonzero(marks == 0).tolist()
            for start in range(0, len(keep), ROW_GROUP):
                part = keep[start : start + ROW_GROUP]
                flat, offsets = flatten([group.drawings[index] for index in part])
                points = pa.ListArray.from_arrays(pa.array(offsets * 3, pa.int32()), pa.array(flat.ravel()))
                ids = [group.ids[index] for index in part]
                columns = [ids, [group.label] * len(part), np.diff(offsets).astype(np.int32), points]
                if group.times is not None:
                    columns.append([group.times[index] for index in part])
                outputs[group.split].write_table(pa.table(columns, schema=schema))
            rows = _aside(group, marks, accounts)
            while batch := list(islice(rows, ROW_GROUP)):
                aside.write_table(pa.table([list(column) for column in zip(*batch, strict=True)], schema=bad))
                quarantined += len(batch)
            accepted += len(keep)
            pictured += _pictured(group, position, chosen)
    return accepted, quarantined, pictured


def _aside(group: Group, marks: NDArray[np.uint32], accounts: Accounts) -> Iterator[tuple[Any, ...]]:
    """The rows of a group that go to the quarantine."""
    for index in np.flatnonzero(marks).tolist():
        reasons = accounts.reasons(int(marks[index]))
        yield group.ids[index], group.label, group.split, reasons, _plain(group.drawings[index]), None
    for reject in group.rejects:
        detail = f"{reject.kind}: {reject.detail}"
        yield reject.id, _label(group, reject), None, [reason(reject)], [], detail


def look(
    read: Read, accounts: Accounts, chosen: Mapping[int, str], pictured: list[Pictured]
) -> Iterator[tuple[str, ...]]:
    """What the Data Docs show where nothing is written: (row, reason ...) of each rejected row.

    Args:
        read, accounts, chosen: as for `write`.
        pictured: gets the chosen drawings on the way.
    """
    for group, position in _positions(read, "naming"):
        marks = accounts.marks(position, len(group.drawings))
        for index in np.flatnonzero(marks).tolist():
            yield group.ids[index], *accounts.reasons(int(marks[index]))
        for reject in group.rejects:
            yield reject.id, reason(reject)
        pictured += _pictured(group, position, chosen)


def _positions(read: Read, doing: str) -> Iterator[tuple[Group, int]]:
    position = 0
    for group in progress(read(), doing, unit=" groups"):
        yield group, position
        position += len(group.drawings)


def _pictured(group: Group, position: int, chosen: Mapping[int, str]) -> list[Pictured]:
    inside = [place for place in chosen if position <= place < position + len(group.drawings)]
    return [
        Pictured(group.ids[place - position], chosen[place], group.drawings[place - position])
        for place in inside
    ]


def _label(group: Group, reject: Reject) -> str | None:
    """The class of the file that a reject stands in; None where a file holds many."""
    return group.label if reject.file.startswith(f"{group.label}.") else None


def _plain(drawing: Any) -> Any:
    return np.asarray(drawing, dtype=np.float64).ravel()
