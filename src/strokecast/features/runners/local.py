"""Where the units of `preprocess` on drawings are worked on: here, in a pool of processes, or on Beam.

Every runner gives the same bytes: the functions are pure, and what they give is put together in the
order of the units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from strokecast.common import pool
from strokecast.common.stage import progress
from strokecast.features.runners import chunks
from strokecast.params import Preprocess

T = TypeVar("T")
R = TypeVar("R")
Encode = Callable[[Any], dict[str, bytes]]  # of a task: TFRecord file → what the task adds to it
POOL_FROM = 16  # units; starting processes costs more than it saves below


class Runner(Protocol):
    """Looks at units, and writes TFRecord files."""

    def look(self, units: Sequence[chunks.Unit]) -> list[chunks.Look]:
        """What each unit holds, in their order."""

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """Write the files `names` into `folder`, below folders that are there: what `encode` gives of each task.

        Tasks have a `unit`, whose `index` tells their order.
        """


def get(settings: Preprocess) -> Runner:
    """The runner of `preprocess` in params.yaml.

    Raises:
        UserError: if it is `beam` and Apache Beam is not installed.
    """
    if settings.runner == "beam":
        from strokecast.features.runners.beam import Beam

        return Beam(settings.beam_options)
    return Local(settings.workers)


class Local:
    """This machine: this process for little work, else a pool of processes.

    Args:
        workers: processes; None: one a processor.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or pool.processors()

    def look(self, units: Sequence[chunks.Unit]) -> list[chunks.Look]:
        """See `Runner.look`."""
        return list(progress(self._map(chunks.look, units), "looking", len(units), " units"))

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """See `Runner.write`; memory holds a few units and one file is open, whatever their number."""
        for name in names:
            (folder / name).touch()
        for made in progress(self._map(encode, tasks), "encoding", len(tasks), " units"):
            for name, data in made.items():
                with (folder / name).open("ab", buffering=0) as file:
                    file.write(data)
            made.clear()  # or it would stay while the next unit is encoded

    def _map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """`function` of each item, in their order, at most two items a worker ahead."""
        workers = min(self.workers, len(items)) if len(items) >= POOL_FROM else 1
        return pool.ordered(function, items, workers)
