"""What the validated drawings hold, seen before any record is made of them: for every task on drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records.scaling import stroke_scale
from strokecast.features.records.spec import SPLITS
from strokecast.features.runners import chunks, local


@dataclass(frozen=True)
class Survey:
    """What was seen.

    Attributes:
        paths: split → its parquet file.
        units: of all splits.
        looks: one a unit.
        classes: those of train, in the source's order (in that of train where the report names none).
        class_counts: class → training drawings.
        lengths: split → number of points → drawings.
        scale: standard deviation of dx and dy on train.
        time: whether every split holds times.
        source: of the drawings.
        left_out: split → drawings that are longer than what was asked for.
    """

    paths: Mapping[str, Path]
    units: Sequence[chunks.Unit]
    looks: Sequence[chunks.Look]
    classes: tuple[str, ...]
    class_counts: dict[str, int]
    lengths: Mapping[str, Counter[int]]
    scale: float
    time: bool
    source: str
    left_out: dict[str, int]

    @property
    def length(self) -> dict[str, float]:
        """Median and maximum of the points of a training drawing, for spec.json."""
        return {"median": _median(self.lengths["train"]), "max": max(self.lengths["train"])}


def survey(validated: Path, runner: local.Runner, longest: int | None = None) -> Survey:
    """See what the drawings of all splits hold.

    Args:
        validated: folder with a parquet file a split and `report.json`.
        runner: where the units are looked at.
        longest: points; drawings with more are left out; None: none are.

    Raises:
        UserError: if a split is missing or empty (also of drawings that are short enough), or holds a class
            that train lacks, or if no training drawing moves.
    """
    paths = {split: _checked(validated / f"{split}.parquet") for split in SPLITS}
    report = files.read_json(validated / "report.json")
    units = list(chunks.cut(paths, longest))
    looks = runner.look(units)
    by_split = {
        split: [look for unit, look in zip(units, looks, strict=True) if unit.split == split]
        for split in SPLITS
    }
    lengths = {split: _lengths(found) for split, found in by_split.items()}
    for split, found in lengths.items():
        if not found:
            raise UserError(
                f"each drawing of {split} has more than {longest} points",
                where="params.yaml: features.draw.bounds",
                fix="raise the last bound",
            )
    try:
        scale = stroke_scale(look.moments for look in by_split["train"])
    except ValueError as error:
        raise UserError(str(error), where=str(paths["train"])) from None
    classes = _classes(by_split, report)
    return Survey(
        paths,
        units,
        looks,
        classes,
        {name: sum(look.labels.get(name, 0) for look in by_split["train"]) for name in classes},
        lengths,
        scale,
        all(chunks.TIMES in pq.read_schema(path).names for path in paths.values()),
        report["source"],
        {
            split: pq.read_metadata(path).num_rows - sum(lengths[split].values())
            for split, path in paths.items()
        },
    )


def _checked(path: Path) -> Path:
    if not path.is_file():
        raise UserError("no such file", where=str(path), fix="run `dvc repro validate@sketches`")
    if pq.read_metadata(path).num_rows == 0:
        raise UserError(
            "no drawing was accepted for this split", where=str(path), fix="look into quarantine.parquet"
        )
    return path


def _classes(looks: Mapping[str, Sequence[chunks.Look]], report: Mapping[str, Any]) -> tuple[str, ...]:
    found = {
        split: list(dict.fromkeys(label for look in own for label in look.labels))
        for split, own in looks.items()
    }
    for split in ("valid", "test"):
        extra = [label for label in found[split] if label not in found["train"]]
        if extra:
            raise UserError(
                f"{split} holds drawings of {extra[0]!r}, train holds none",
                where="data/validated/sketches",
                fix="give every class training drawings, or leave the class out",
            )
    order = {label: index for index, label in enumerate(report.get("classes", ()))}
    return tuple(sorted(found["train"], key=lambda label: order.get(label, len(order))))


def _lengths(looks: Sequence[chunks.Look]) -> Counter[int]:
    found: Counter[int] = Counter()
    for look in looks:
        found.update(dict(look.lengths))  # type: ignore[arg-type]
    return found


def _median(lengths: Mapping[int, int]) -> float:
    rising = sorted(lengths)
    upto = np.cumsum([lengths[length] for length in rising])
    middle = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return float(np.mean([rising[place] for place in middle]))
