"""Accuracy and seconds of strokecast's forecasters beside mlforecast, statsforecast and neuralforecast on the same test origins.

    make peers                                             # once: the other libraries, in .venv-peers (several GB)
    python benchmarks/forecast.py                          # births: every forecaster that params.yaml switches on
    python benchmarks/forecast.py --series sales.csv --date-column day --value-column sold --origins 60
    python benchmarks/forecast.py --quick                  # a smoke test: five origins, cheap rows

Our stages run in a temporary folder with default settings; of the presets only the series, its days and its splits are used. All
rows forecast the same origins of the test split from the same days before them. Each peer runs in a process of its own, by its
library's defaults (`forecast_peers.py`). A peer that fails is one line below the table.

Seconds are wall time of all fits and of the forecasts at all origins, without imports. Ours include the forecasts of validation
days that choose the champion and calibrate intervals, and the run on the board; a combination has the trainings of all rows and the
forecasts of its members. Ours learn the training days, unless they refit themselves; the peers learn the validation days as well.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import forecast_ours
from forecast_exchange import PeerError, PeerForecasts, Question, run_peer
from forecast_ours import PRESETS, OurRun
from forecast_peers import PEERS

Floats = NDArray[np.float64]

SEASON = 7
QUICK_ROWS = ("seasonal_naive_7", "seasonal_naive_364", "calendar_ridge", "lightgbm")
QUICK_PEERS = ("SeasonalNaive", "AutoETS", "LGBMRegressor")
QUICK_ORIGINS = 5
END = "<!-- end -->"
HEADER = """| row | library | MAE | MASE | MAE minus the champion's | s | fitted |
| --- | --- | ---: | ---: | ---: | ---: | --- |"""


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        name: of the model.
        library: with its version.
        point: float64 [O, H].
        seconds: fits and forecasts.
        fitted: when it is fitted.
    """

    name: str
    library: str
    point: Floats
    seconds: float
    fitted: str


def question(run: OurRun) -> Question:
    """What the peers are asked: our series, origins and past of networks."""
    return Question(run.days, run.values, run.origins, run.actual.shape[1], SEASON, run.input_size)


def ask_peers(
    names: Sequence[str], asked: Question, limit_s: float
) -> tuple[dict[str, PeerForecasts], list[str]]:
    """Forecasts of the peers that answer, and a line for each that does not."""
    answers, failures = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        asked.write(folder)
        for name in names:
            try:
                answers[name] = run_peer(name, asked, folder, limit_s)
                print(f"{name}: {answers[name].seconds:.1f} s", file=sys.stderr, flush=True)
            except PeerError as error:
                failures.append(f"{PEERS[name].library} {name}: no forecasts, {error}")
                print(failures[-1], file=sys.stderr, flush=True)
    return answers, failures


def all_rows(run: OurRun, answers: Mapping[str, PeerForecasts]) -> list[Row]:
    """Our rows and the peers' by MAE."""
    rows = [Row(name, "strokecast", one.point, one.seconds, one.fitted) for name, one in run.rows.items()]
    rows += [
        Row(name, f"{PEERS[name].library} {one.version}", one.point, one.seconds, one.fitted)
        for name, one in answers.items()
    ]
    return sorted(rows, key=lambda row: float(np.abs(row.point - run.actual).mean()))


def report(run: OurRun, rows: Sequence[Row]) -> str:
    """The table in Markdown with a line before and after it.

    Args:
        run: ours.
        rows: by MAE, the champion among them.
    """
    from strokecast.evaluation.common.bootstrap import (
        bootstrap_means,
        difference_between,
        paired_differences,
    )

    errors = np.array([np.abs(row.point - run.actual).mean(axis=1) for row in rows])
    labels = [f"{row.library.split()[0]} {row.name}" for row in rows]
    pairs = paired_differences(labels, errors, bootstrap_means(errors, 1000, 0, run.block), 0.95)
    champion = f"strokecast {run.champion}"
    lines, behind, ahead, peers = [HEADER], [], 0, 0
    for row, label, error in zip(rows, labels, errors, strict=True):
        cell, name = "", f"`{row.name}`"
        if label == champion:
            name += ", the champion by validation"
        else:
            pair = difference_between(pairs, label, champion)
            cell = f"{number(pair.difference, '+')} ({number(pair.low)} to {number(pair.high)})"
            if row.library != "strokecast":
                peers += 1
                ahead += pair.difference > 0
                if pair.high < 0:
                    behind.append(row.name)
        mae = float(error.mean())
        lines.append(
            f"| {name} | {row.library} | {number(mae)} | {mae / run.scale:.3f} | {cell} | {row.seconds:,.1f} | {row.fitted} |"
        )
    last = run.origins.max() + np.timedelta64(run.actual.shape[1] - 1, "D")
    before = (
        f"Recorded {datetime.now(tz=UTC).date().isoformat()} on {os.cpu_count()} CPU cores: {run.name}"
        f"{f' ({run.unit})' if run.unit else ''}, {run.actual.shape[1]} days ahead at {len(run.origins)} origins, "
        f"{run.origins.min()} to {last}. In brackets: 95 % interval of the paired difference."
    )
    after = f"The 80 % intervals of the champion, `{run.champion}`, cover {run.coverage:.1f} % of the days."
    if peers:
        after += (
            f" It has a lower MAE than {ahead} of {peers} rows of other libraries, and a significantly higher one than "
            f"{', '.join(behind) if behind else 'none'}."
        )
    return "\n".join([before, "", *lines, "", after])


def number(value: float, sign: str = "-") -> str:
    """A value with at least four digits, without an exponent for large ones; `sign` as in a format, e.g. "+"."""
    return f"{value:{sign},.0f}" if abs(value) >= 1000 else f"{value:{sign}.4g}"


def write(path: Path, series: str, text: str) -> None:
    """Replace what `path` has between the marks of a series.

    Raises:
        SystemExit: if the marks are missing.
    """
    start = f"<!-- forecasts of {series}: benchmarks/forecast.py -->"
    contents = path.read_text(encoding="utf-8")
    before, found, rest = contents.partition(start)
    _, closed, after = rest.partition(END)
    if not (found and closed):
        raise SystemExit(f"{path}: no line {start} with {END} after it")
    path.write_text(f"{before}{start}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; `--quick` changes defaults of the other options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", default="births", help=f"{' | '.join(PRESETS)} | FILE.csv")
    parser.add_argument("--data", type=Path, help="file of the series cta (default: download) or auckland")
    parser.add_argument("--date-column", default="ds", help="of FILE.csv (default: ds)")
    parser.add_argument("--value-column", default="y", help="of FILE.csv (default: y)")
    parser.add_argument("--origins", type=int, help="largest number of test origins (default: 30)")
    parser.add_argument("--rows", nargs="+", help="our forecasters (default: those that params.yaml has on)")
    parser.add_argument(
        "--peers", nargs="*", choices=list(PEERS), help="rows of other libraries (default: all)"
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="a peer is stopped after these (default: 60)"
    )
    parser.add_argument("--quick", action="store_true", help="five origins, no networks")
    parser.add_argument("--write", type=Path, help="Markdown file with marks for the table of the series")
    options = parser.parse_args(arguments)
    options.origins = options.origins or (QUICK_ORIGINS if options.quick else 30)
    options.rows = options.rows or (list(QUICK_ROWS) if options.quick else forecast_ours.default_rows())
    if options.peers is None:
        options.peers = list(QUICK_PEERS if options.quick else PEERS)
    return options


def main() -> None:
    """Run ours, then the peers, and print the table."""
    options = parse_arguments()
    values = forecast_ours.settings(
        options.series,
        options.rows,
        options.origins,
        options.data,
        (options.date_column, options.value_column),
    )
    with tempfile.TemporaryDirectory() as temporary:
        run = forecast_ours.run(Path(temporary) / "project", values)
    answers, failures = ask_peers(options.peers, question(run), 60 * options.minutes)
    text = "\n\n".join([report(run, all_rows(run, answers)), *failures])
    print(text)
    if options.write:
        write(options.write, options.series, text)


if __name__ == "__main__":
    main()
