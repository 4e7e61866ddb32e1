"""Totals over the batches of drawings: failed rules, counts, lengths and profiles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.profiles import Profile, build_profile, categories_from_counts
from strokecast.validation.rules import Rule
from strokecast.validation.sampling import BottomKSample
from strokecast.validation.sketches.features import DRIFT_FEATURES
from strokecast.validation.sketches.gallery_selection import GallerySelector
from strokecast.validation.sketches.groups import SPLITS
from strokecast.validation.sketches.spool import Spools

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"
QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}
_BITS_DTYPE = np.uint32


class ValidationTally:
    """Failed rules of each drawing, and statistics of the accepted drawings.

    Args:
        rules: rules for single drawings, at most 32. Rules with the action `warn` reject no drawing.
        labels: the classes of the drawings.
        spools: storage of the failed rules, 4 bytes per drawing.

    Attributes:
        reason_counts: reason → rejected rows, in the order in which the reasons first occur.
        n_quarantined: number of rows that are not accepted.
        gallery: selects the drawings of the gallery.
    """

    def __init__(self, rules: Sequence[Rule], labels: Sequence[str], spools: Spools) -> None:
        self.reason_counts: Counter[str] = Counter()
        self.n_quarantined = 0
        self.gallery = GallerySelector()
        self._rules = rules
        self._labels = labels
        self._failed_rules = spools.new(_BITS_DTYPE)
        # Of accepted drawings:
        self._length_counts: Counter[int] = Counter()
        self._class_counts = np.zeros((len(labels), len(SPLITS)), dtype=np.int64)
        self._samples = {name: BottomKSample(len(DRIFT_FEATURES)) for name in (ALL, *SPLITS)}

    def add(self, start: int, frame: pd.DataFrame, failing: Sequence[NDArray[np.int64]]) -> None:
        """Add a batch of drawings.

        Args:
            start: position of the first drawing.
            frame: the batch, from `table.DrawingTable.drawing_batches`.
            failing: per rule, the positions within the batch of the failing drawings.
        """
        failed_rules = np.zeros(len(frame), dtype=_BITS_DTYPE)
        for bit, (rule, positions) in enumerate(zip(self._rules, failing, strict=True)):
            if rule.action != "warn":
                failed_rules[positions] |= _BITS_DTYPE(1 << bit)
        self._failed_rules.append(failed_rules)
        self.n_quarantined += int((failed_rules != 0).sum())
        self.count_reasons(self._rules, failing)
        self._select_for_gallery(start, frame, failed_rules)
        self._add_accepted(start, frame, np.flatnonzero(failed_rules == 0))

    def _select_for_gallery(self, start: int, frame: pd.DataFrame, failed_rules: NDArray[np.uint32]) -> None:
        patterns, first, inverse = np.unique(failed_rules, return_index=True, return_inverse=True)
        self.gallery.add_features(start, frame)
        for index in np.argsort(first):
            if patterns[index]:
                positions = start + np.flatnonzero(inverse == index)
                self.gallery.add_rejected(self.reasons(int(patterns[index])), positions)

    def _add_accepted(self, start: int, frame: pd.DataFrame, positions: NDArray[np.int64]) -> None:
        accepted = frame.iloc[positions]
        lengths, counts = np.unique(accepted["n_points"].to_numpy(), return_counts=True)
        self._length_counts.update(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))
        labels = accepted["label"].cat.codes.to_numpy()
        splits = accepted["split"].cat.codes.to_numpy()
        np.add.at(self._class_counts, (labels, splits), 1)
        features = accepted[list(DRIFT_FEATURES)].to_numpy(dtype=np.float64)
        self._samples[ALL].add(start + positions, features)
        for index, name in enumerate(SPLITS):
            in_split = splits == index
            self._samples[name].add(start + positions[in_split], features[in_split])

    def count_reasons(self, rules: Sequence[Rule], failing: Sequence[NDArray[np.int64]]) -> None:
        """Add a batch to `reason_counts`: per rule, the positions of the failing rows."""
        reasons = [
            (int(positions[0]), rule.name, len(positions))
            for rule, positions in zip(rules, failing, strict=True)
            if len(positions) and rule.action != "warn"
        ]
        for _, name, count in sorted(reasons, key=lambda reason: reason[0]):
            self.reason_counts[name] += count

    def failed_rules(self, start: int, count: int) -> NDArray[np.uint32]:
        """The failed rules of `count` drawings from position `start`, as bits [count]; 0 beyond the end."""
        bits = self._failed_rules.read(start, start + count)
        return np.concatenate([bits, np.zeros(count - len(bits), dtype=_BITS_DTYPE)])

    def reasons(self, failed_rules: int) -> list[str]:
        """Names of the rules whose bits are set."""
        return [rule.name for bit, rule in enumerate(self._rules) if failed_rules >> bit & 1]

    def class_table(self, classes: Sequence[str]) -> pd.DataFrame:
        """Numbers of accepted drawings per class of `classes` and split.

        Returns:
            Columns `label`, `split`, `drawings`, and `imbalance`: on train, drawings of the largest
            class over those of this class (null in other splits and for an empty class).
        """
        import pandas as pd

        counts = {
            (label, split): int(count)
            for label, row in zip(self._labels, self._class_counts, strict=True)
            for split, count in zip(SPLITS, row, strict=True)
        }
        rows = [(label, split, counts.get((label, split), 0)) for label in classes for split in SPLITS]
        table = pd.DataFrame(rows, columns=["label", "split", "drawings"])
        in_train = (table["split"] == "train") & (table["drawings"] > 0)
        largest = table.loc[in_train, "drawings"].max() if in_train.any() else 0
        table["imbalance"] = np.where(in_train, largest / table["drawings"].clip(lower=1), np.nan)
        return table

    def length_quantiles(self) -> dict[str, int]:
        """Quantiles of the accepted drawings' numbers of points (inverse of the empirical CDF)."""
        if not self._length_counts:
            return {}
        lengths = np.array(sorted(self._length_counts))
        cumulative = np.cumsum([self._length_counts[length] for length in lengths.tolist()])
        ranks = {
            name: max(math.ceil(level * int(cumulative[-1]) - 1), 0) for name, level in QUANTILES.items()
        }
        return {
            name: int(lengths[np.searchsorted(cumulative, rank, side="right")])
            for name, rank in ranks.items()
        }

    def profiles(self) -> dict[str, Profile]:
        """`all` and each split → profile of the accepted drawings.

        With more than `sampling.SAMPLE_SIZE` drawings, features are those of a sample. Classes are
        always counted in full.
        """
        profiles = {}
        for name, sample in self._samples.items():
            columns = self._class_counts if name == ALL else self._class_counts[:, [SPLITS.index(name)]]
            counts = {
                label: int(count)
                for label, count in zip(self._labels, columns.sum(axis=1), strict=True)
                if count
            }
            values = dict(zip(DRIFT_FEATURES, sample.rows.T, strict=True))
            profiles[name] = build_profile(values, n_seen=sample.n_seen)
            profiles[name]["label"] = categories_from_counts(counts, sample.n_seen)
        return profiles
