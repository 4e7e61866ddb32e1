"""Rolling origins inside the training days: processed data whose validation days are training days of the project.

The last training days are cut into consecutive blocks. Each fold validates on one block and trains on all days before it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError
from strokecast.features.records.spec import ForecastSpec
from strokecast.params import ForecastFeatures


def edges(
    first: datetime.date, last: datetime.date, valid_days: int, horizon: int, folds: int
) -> list[tuple[str, str]]:
    """The first validation day of each fold and the day after its last one, YYYY-MM-DD, the earliest fold first.

    A block is as long as the validation split, but all blocks together are at most half of the training days. One horizon
    stays behind the last block, because preprocessing needs a test split.

    Args:
        first: first training day.
        last: last training day.
        valid_days: number of days in the validation split.
        horizon: days of a forecast.
        folds: number of folds.

    Raises:
        UserError: if a block would be shorter than the horizon.
    """
    days = (last - first).days + 1
    block = min(valid_days, days // (2 * folds))
    if block < horizon:
        raise UserError(
            f"{days} training days are too few for {folds} folds of at least {horizon} days in their second half",
            location="--folds",
            fix="use fewer folds",
        )
    end = last + datetime.timedelta(days=1 - horizon)
    starts = [end - datetime.timedelta(days=block * (folds - fold)) for fold in range(folds)]
    return [(start.isoformat(), (start + datetime.timedelta(days=block)).isoformat()) for start in starts]


def preprocess_folds(
    validated: Path, spec: ForecastSpec, settings: ForecastFeatures, folds: int, work_dir: Path
) -> Iterator[Path]:
    """Processed data of each fold in a folder below `work_dir`. Days after the training days are in none of them.

    Args:
        validated: `data/validated/series`.
        spec: spec.json of the processed data.
        settings: `features.forecast` of params.yaml.
        folds: number of folds.
        work_dir: an empty folder.

    Raises:
        UserError: if the training days are too few.
    """
    from strokecast.features.timeseries import forecast

    splits = spec["splits"]
    first, last = (datetime.date.fromisoformat(splits["train"][key]) for key in ("first", "last"))
    training_days = work_dir / "validated"
    _copy_until(validated, training_days, last)
    blocks = edges(first, last, _days(splits["valid"]), int(spec["horizon"]), folds)
    for fold, (valid_from, test_from) in enumerate(blocks):
        processed = work_dir / f"fold-{fold}"
        moved = settings.model_copy(update={"valid_from": valid_from, "test_from": test_from})
        forecast.preprocess(training_days, processed, moved)
        yield processed


def _days(split: Any) -> int:
    first, last = (datetime.date.fromisoformat(split[key]) for key in ("first", "last"))
    return (last - first).days + 1


def _copy_until(validated: Path, target: Path, last: datetime.date) -> None:
    """Copy validated series without the days after `last`."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from strokecast.features.records import arrow

    target.mkdir(parents=True)
    for name in ("series.parquet", "all.parquet"):
        if (validated / name).is_file():
            table = arrow.read_table(validated / name)
            pq.write_table(table.filter(pc.less_equal(table["ds"].cast("date32"), last)), target / name)
    files.write_json(target / "report.json", files.read_json(validated / "report.json"))
