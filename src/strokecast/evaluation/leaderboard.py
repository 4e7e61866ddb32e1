"""The leaderboard of all tasks: `leaderboard.csv` and `leaderboard.md` from the tasks' `summary.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from strokecast.common.errors import UserError
from strokecast.common.files import read_json, write_text
from strokecast.evaluation.common import cells, tables
from strokecast.evaluation.common.cells import Board, Facts

_LEADING = ("task", "rank", "model", "seeds")
_TRAILING = ("training_ids",)
_NO_COLUMN = ("model", "seeds", "training_ids", "to_best")


def read(reports: Path, tasks: Sequence[str]) -> list[Board]:
    """The boards of all tasks.

    Raises:
        UserError: if a task was not evaluated.
    """
    boards = []
    for task in tasks:
        path = reports / task / "summary.json"
        if not path.is_file():
            raise UserError("no such file", where=str(path), fix=f"run `dvc repro evaluate@{task}`")
        boards.append(_BOARDS[task](read_json(path)))
    return boards


def attributions(raw: Path, datasets: Sequence[str]) -> list[str]:
    """Whom the data comes from, one line a dataset that asks to be named (`source.json`)."""
    lines = []
    for dataset in datasets:
        source = read_json(raw / dataset / "source.json")
        if source.get("attribution"):
            licence = f" Licence: {source['licence']}." if source.get("licence") else ""
            lines.append(f"{source['attribution'].rstrip('.')}.{licence}")
    return lines


def write_csv(path: Path, boards: Sequence[Board]) -> None:
    """All rows of all tasks with every figure; a figure that a task has not is an empty cell."""
    rows, columns = [], dict.fromkeys(_LEADING)
    for board in boards:
        for rank, row in enumerate(board.facts["models"], start=1):
            figures = {key: value for key, value in row.items() if key not in _NO_COLUMN}
            columns |= dict.fromkeys(figures)
            rows.append(
                {
                    "task": board.facts["task"],
                    "rank": rank,
                    "model": row["model"],
                    "seeds": len(row["seeds"]),
                    **figures,
                    "training_ids": " ".join(row["training_ids"]),
                }
            )
    tables.write_csv(path, [*columns, *_TRAILING], rows)


def write_markdown(path: Path, boards: Sequence[Board], credits: Sequence[str]) -> None:
    """The tables as Markdown."""
    parts = ["# Leaderboard\n"]
    for board in boards:
        parts.append(f"## {board.title}\n\n{board.about}\n")
        parts.append(tables.markdown(board.header, board.rows))
        parts.append("".join(f"- {note}\n" for note in board.notes))
    if credits:
        parts.append("## Data\n\n" + "".join(f"- {line}\n" for line in credits))
    write_text(path, "\n".join(parts))


def _classify(facts: Facts) -> Board:
    return _with_classes(facts, "classify: strokes to class", {})


def _watch(facts: Facts) -> Board:
    orders = {"accuracy_reversed": "reversed %", "accuracy_shuffled": "shuffled %"}
    board = _with_classes(facts, "watch: the drawing as a video of being drawn to class", orders)
    note = "Reversed, shuffled: accuracy of the same network on the same frames in another order."
    return replace(board, notes=[note, *board.notes])


def _with_classes(facts: Facts, title: str, further: Mapping[str, str]) -> Board:
    """The board of a task with classes; `further` holds its own shares, by figure, and their headers."""
    level = f"{100 * facts['level']:g} %"
    header = ["model", f"accuracy % ({level} interval)", "top-5 %", "macro-F1 %", "log-loss nats", "ECE %"]
    compared = [f"over {facts['baseline']}, points"] if cells.has_baseline(facts) else []
    rows = []
    for row in facts["models"]:
        ends = f"({100 * row['accuracy_low']:.1f}-{100 * row['accuracy_high']:.1f})"
        rows.append(
            [
                row["model"],
                f"{cells.share(row, 'accuracy')} {ends}",
                cells.share(row, "top5"),
                cells.share(row, "macro_f1"),
                cells.with_spread(row, "log_loss", "{:.3f}"),
                cells.share(row, "ece"),
                *(cells.share(row, key) for key in further),
                *(cells.over(row, "accuracy", facts["baseline"], _in_points) for _ in compared),
                *cells.costs(row),
            ]
        )
    about = (
        f"{facts['test']:,} test sketches of {len(facts['classes'])} classes ({facts['source']}), "
        "the same for every model; best accuracy first. ECE: expected calibration error."
    )
    header += [*further.values(), *compared, "parameters", "training s", "sketches/s", "seeds"]
    notes = [*cells.on_baseline(facts, "accuracy", _in_points), *cells.notes(facts, cells.points)]
    return Board(title, about, header, rows, notes, facts)


def _in_points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _forecast(facts: Facts) -> Board:
    unit = f" {facts['unit']}" if facts["unit"] else ""
    level, horizon, regimes = f"{100 * facts['level']:g} %", facts["horizon"], facts["regimes"]
    compared = [f"MAE against {facts['baseline']}"] if cells.has_baseline(facts) else []
    header = ["model", f"MAE{unit} ({level} interval)", *compared, "day 1", f"day {horizon}"]
    header += [
        "MASE",
        "RMSSE",
        "sMAPE %",
        "WAPE %",
        "RMSE",
        "bias",
        "CRPS",
        "in 80 % interval, %",
        "its width",
    ]
    header += [f"{of} {regime['name']}" for regime in regimes for of in ("MAE", "in 80 % interval, %")]
    rows = []
    for row in facts["models"]:
        ends = f"({tables.figure(row['mae_low'])} to {tables.figure(row['mae_high'])})"
        rows.append(
            [
                row["model"],
                f"{cells.value(row, 'mae')} {ends}",
                *(cells.over(row, "mae", facts["baseline"], cells.signed) for _ in compared),
                *(cells.value(row, key) for key in ("mae_day_1", f"mae_day_{horizon}")),
                *(cells.with_spread(row, key, "{:.3f}") for key in ("mase", "rmsse")),
                *(cells.with_spread(row, key, "{:.1f}") for key in ("smape", "wape")),
                *(cells.value(row, key) for key in ("rmse", "bias", "crps")),
                cells.share(row, "coverage_80"),
                cells.value(row, "width_80"),
                *(
                    cell(row, f"{key}_regime_{regime['name']}")
                    for regime in regimes
                    for cell, key in ((cells.value, "mae"), (cells.share, "coverage_80"))
                ),
                *cells.costs(row),
            ]
        )
    several = "Every figure is the mean over the series, series.csv has each. " if "several" in facts else ""
    about = (
        f"{facts['series']} ({facts['source']}): {horizon} days ahead from {facts['test']:,} origins"
        f"{_spacing(facts)}, first forecast day {facts['first']} to {facts['last']}, the same for every model; "
        f"lowest MAE first. {several}Errors are in the series' own unit{f' ({unit.strip()})' if unit else ''}; MASE, RMSSE: "
        "MAE and RMSE over those of seasonal-naive-7 on the training days. CRPS and intervals after calibration on "
        "validation origins. docs/forecasts.md has the formulas."
    )
    notes = [
        f"{r['name']}: first forecast day {r['first']} to {r['last']}, {r['origins']:,} origins."
        for r in regimes
    ]
    notes += cells.on_baseline(facts, "mae", cells.signed, higher_is_better=False)
    notes += [
        f"{name}: {few['origins']:,} validation origins are too few to promise "
        f"{', '.join(f'{100 * one:g} %' for one in few['levels'])} intervals; they reach to the largest error there."
        for name, few in facts["short"].items()
    ]
    header += ["parameters", "training s", "forecasts/s", "seeds"]
    title = f"forecast: the next {horizon} days"
    return Board(title, about, header, rows, [*notes, *cells.notes(facts, cells.signed)], facts)


def _spacing(facts: Facts) -> str:
    if facts["test"] < facts["possible"]:
        return f" evenly spaced out of {facts['possible']:,}"
    return ", one a day" if facts["step"] == 1 else f", one every {facts['step']} days"


def _draw(facts: Facts) -> Board:
    level = f"{100 * facts['level']:g} %"
    header = ["model", f"recognised % ({level} interval)", "real drawings %"]
    header += ["NLL", "reconstruction", "KL", "validation NLL", "reconstruction", "KL"]
    header += ["parameters", "training s", "drawings/s", "seeds"]
    likelihood = ("nll", "reconstruction", "kl")
    columns = [f"{split}{name}" for split in ("", "valid_") for name in likelihood]
    rows = []
    for row in facts["models"]:
        asked, ends = row["recognised"] is not None, ""
        if asked:
            ends = f" ({100 * row['recognised_low']:.1f}-{100 * row['recognised_high']:.1f})"
        rows.append(
            [
                row["model"],
                f"{cells.share(row, 'recognised')}{ends}",
                f"{100 * facts['real_recognised']:.1f}" if asked else "-",
                *(cells.with_spread(row, key, "{:.3f}") for key in columns),
                *cells.costs(row),
            ]
        )
    real = f"{100 * facts['real_low']:.1f}-{100 * facts['real_high']:.1f}"
    about = (
        f"Recognised: {facts['samples']} drawings a class at temperature {facts['temperature']:g}, taken by "
        f"{facts['referee']} for the class asked for; real drawings: the same referee on the {facts['test']:,} test "
        f"drawings of these {len(facts['classes'])} classes ({facts['source']}), {level} interval {real}. Most "
        "recognised first. NLL, reconstruction and KL in nats a step of a test drawing; "
        "NLL = reconstruction + KL, an upper bound where there is a latent vector."
    )
    free = [row["model"] for row in facts["models"] if row["recognised"] is None]
    notes = [f"Knows no class, so none can be asked for: {', '.join(free)}."] if free else []
    notes += cells.notes(facts, cells.points)
    return Board("draw: class or latent vector to strokes", about, header, rows, notes, facts)


_BOARDS: dict[str, Callable[[Facts], Board]] = {
    "classify": _classify,
    "watch": _watch,
    "draw": _draw,
    "forecast": _forecast,
}
