"""What became of the drawings, added up part by part."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.rules import Rule
from strokecast.validation.sample import Sample
from strokecast.validation.sketches.drawings import SHAPES, SPLITS
from strokecast.validation.sketches.spool import Spools
from strokecast.validation.sketches.worst import Chooser

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}
BITS = np.uint32


class Accounts:
    """Which rules each drawing breaks, and what the accepted ones are like.

    Args:
        rules: of single drawings, at most 32; those with the action `warn` set no drawing aside.
        labels: the classes of the drawings.
        spools: where the broken rules of each drawing wait, 4 bytes a drawing.

    Attributes:
        tally: reason → rows that it set aside, in the order in which the reasons first came up.
        quarantined: rows that are not accepted.
        chooser: which drawings will be pictured.
    """

    def __init__(self, rules: Sequence[Rule], labels: Sequence[str], spools: Spools) -> None:
        self.tally: Counter[str] = Counter()
        self.quarantined = 0
        self.chooser = Chooser()
        self._rules = rules
        self._labels = labels
        self._marks = spools.new(BITS)
        self._lengths: Counter[int] = Counter()  # of accepted drawings
        self._counts = np.zeros((len(labels), len(SPLITS)), dtype=np.int64)  # of accepted drawings
        self._samples = {name: Sample(len(SHAPES)) for name in (ALL, *SPLITS)}

    def add(self, start: int, frame: pd.DataFrame, broken: Sequence[NDArray[np.int64]]) -> None:
        """Take in the drawings from position `start` on.

        Args:
            start: position of the first of them.
            frame: their features (`table.Table.parts`).
            broken: for each rule, the positions within the part of those that break it.
        """
        marks = np.zeros(len(frame), dtype=BITS)
        for bit, (rule, positions) in enumerate(zip(self._rules, broken, strict=True)):
            if rule.action != "warn":
                marks[positions] |= BITS(1 << bit)
        self._marks.append(marks)
        self.quarantined += int((marks != 0).sum())
        self.set_aside(self._rules, broken)
        patterns, first, which = np.unique(marks, return_index=True, return_inverse=True)
        self.chooser.extremes(start, frame)
        for at in np.argsort(first):
            if patterns[at]:
                self.chooser.rejected(self.reasons(int(patterns[at])), start + np.flatnonzero(which == at))
        kept = np.flatnonzero(marks == 0)
        accepted = frame.iloc[kept]
        lengths, counts = np.unique(accepted["n_points"].to_numpy(), return_counts=True)
        self._lengths.update(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))
        labels = accepted["label"].cat.codes.to_numpy()
        splits = accepted["split"].cat.codes.to_numpy()
        np.add.at(self._counts, (labels, splits), 1)
        shapes = accepted[list(SHAPES)].to_numpy(dtype=np.float64)
        for number, name in enumerate((ALL, *SPLITS), start=-1):
            mine = slice(None) if name == ALL else splits == number
            self._samples[name].add(start + kept[mine], shapes[mine])

    def set_aside(self, rules: Sequence[Rule], broken: Sequence[NDArray[np.int64]]) -> None:
        """Count the reasons of a part: for each rule, the positions of the rows that break it."""
        found = [
            (int(positions[0]), rule.name, len(positions))
            for rule, positions in zip(rules, broken, strict=True)
            if len(positions) and rule.action != "warn"
        ]
        for _, name, count in sorted(found, key=lambda one: one[0]):
            self.tally[name] += count

    def marks(self, start: int, count: int) -> NDArray[np.uint32]:
        """The broken rules of `count` drawings from position `start` on, as bits; 0 beyond the last one."""
        found = self._marks.read(start, start + count)
        return np.concatenate([found, np.zeros(count - len(found), dtype=BITS)])

    def reasons(self, marks: int) -> list[str]:
        """The names of the rules that the bits stand for."""
        return [rule.name for bit, rule in enumerate(self._rules) if marks >> bit & 1]

    def counts(self, known: Sequence[str]) -> pd.DataFrame:
        """Accepted drawings of each known class and split.

        Returns:
            Columns `label`, `split`, `drawings`, and `largest_over_this`: on train, drawings of
            the largest class over those of this one (null elsewhere and for a class without any).
        """
        import pandas as pd

        found = {
            (label, split): int(count)
            for label, row in zip(self._labels, self._counts, strict=True)
            for split, count in zip(SPLITS, row, strict=True)
        }
        counted = [(label, split, found.get((label, split), 0)) for label in known for split in SPLITS]
        table = pd.DataFrame(counted, columns=["label", "split", "drawings"])
        trained = (table["split"] == "train") & (table["drawings"] > 0)
        largest = table.loc[trained, "drawings"].max() if trained.any() else 0
        table["largest_over_this"] = np.where(trained, largest / table["drawings"].clip(lower=1), np.nan)
        return table

    def lengths(self) -> dict[str, int]:
        """Quantiles of the accepted drawings' lengths in points (the inverted distribution function)."""
        if not self._lengths:
            return {}
        lengths = np.array(sorted(self._lengths))
        upto = np.cumsum([self._lengths[length] for length in lengths.tolist()])
        places = {name: max(math.ceil(level * int(upto[-1]) - 1), 0) for name, level in QUANTILES.items()}
        return {
            name: int(lengths[np.searchsorted(upto, place, side="right")]) for name, place in places.items()
        }

    def profiles(self) -> dict[str, dict[str, Any]]:
        """`all` and each split → profile of the accepted drawings (`quality.drift`).

        Shapes are those of a sample where there are more than `quality.sample.SIZE` drawings; the
        classes are counted.
        """
        from strokecast.validation import drift

        made = {}
        for name, sample in self._samples.items():
            columns = self._counts if name == ALL else self._counts[:, [SPLITS.index(name)]]
            counts = {
                label: int(count)
                for label, count in zip(self._labels, columns.sum(axis=1), strict=True)
                if count
            }
            label = {"kind": drift.CATEGORIES, "count": sample.seen, "missing": 0, "effective": sample.seen}
            values = dict(zip(SHAPES, sample.rows.T, strict=True))
            made[name] = drift.profile(values, seen=sample.seen) | {"label": {**label, "counts": counts}}
        return made
