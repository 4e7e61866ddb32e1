"""The second pass over the drawings: each one to the accepted ones or to the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.quality.sketches.drawings import SPLITS, flatten
from strokecast.quality.sketches.table import DUPLICATE_KEY, NOT_RECOGNIZED, Group, Reject
from strokecast.quality.sketches.worst import Pictured
from strokecast.stage import progress

Read = Callable[[], Iterable[Group]]
ROW_GROUP = 8_192  # drawings: what a reader holds at once


def reason(reject: Reject) -> str:
    """The rule that a line or record without a drawing breaks."""
    return reject.kind if reject.kind in (DUPLICATE_KEY, NOT_RECOGNIZED) else "unreadable"


def write(
    read: Read, reasons: Mapping[int, Sequence[str]], chosen: Mapping[int, str], folder: Path
) -> tuple[int, int, list[Pictured]]:
    """Write `train.parquet`, `valid.parquet`, `test.parquet` and `quarantine.parquet`.

    Args:
        read: as for `sketches.validate`.
        reasons: position of each rejected row → the rules it breaks; drawings count from 0.
        chosen: position → why it is pictured.
        folder: where the files go.

    Returns:
        How many rows were accepted and quarantined, and the chosen drawings.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    head = [("id", pa.string()), ("label", pa.string())]
    good = pa.schema([*head, ("length", pa.int32()), ("points", pa.list_(pa.float32()))])
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

        outputs = {split: writer(split, good) for split in SPLITS}
        aside = writer("quarantine", bad)
        for group, position in _positions(read, "writing"):
            why = [reasons.get(position + index) for index in range(len(group.drawings))]
            keep = [index for index, found in enumerate(why) if not found]
            rows: list[tuple[Any, ...]] = [
                (group.ids[index], group.label, group.split, found, _plain(group.drawings[index]), None)
                for index, found in enumerate(why)
                if found
            ]
            for start in range(0, len(keep), ROW_GROUP):
                part = keep[start : start + ROW_GROUP]
                flat, offsets = flatten([group.drawings[index] for index in part])
                points = pa.ListArray.from_arrays(pa.array(offsets * 3, pa.int32()), pa.array(flat.ravel()))
                ids = [group.ids[index] for index in part]
                columns = [ids, [group.label] * len(part), np.diff(offsets).astype(np.int32), points]
                outputs[group.split].write_table(pa.table(columns, schema=good))
            rows += [
                (
                    reject.id,
                    _label(group, reject),
                    None,
                    [reason(reject)],
                    [],
                    f"{reject.kind}: {reject.detail}",
                )
                for reject in group.rejects
            ]
            if rows:
                aside.write_table(pa.table([list(column) for column in zip(*rows, strict=True)], schema=bad))
            accepted += len(keep)
            quarantined += len(rows)
            pictured += _pictured(group, position, chosen)
    return accepted, quarantined, pictured


def look(
    read: Read, reasons: Mapping[int, Sequence[str]], chosen: Mapping[int, str]
) -> tuple[list[tuple[str, ...]], list[Pictured]]:
    """What the Data Docs show where nothing is written: (row, reason ...) of each rejected row, pictures."""
    rejected: list[tuple[str, ...]] = []
    pictured: list[Pictured] = []
    for group, position in _positions(read, "naming"):
        for index, name in enumerate(group.ids):
            if found := reasons.get(position + index):
                rejected.append((name, *found))
        rejected += [(reject.id, reason(reject)) for reject in group.rejects]
        pictured += _pictured(group, position, chosen)
    return rejected, pictured


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
