"""The leaderboard of all tasks: `leaderboard.csv` and `leaderboard.md` from the tasks' `summary.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.errors import UserError
from strokecast.evaluation import tables
from strokecast.files import read_json, write_text

Facts = Mapping[str, Any]
Row = Mapping[str, Any]

_LEADING = ("task", "rank", "model", "seeds")
_TRAILING = ("training_ids",)
_NO_COLUMN = ("model", "seeds", "training_ids", "to_best")


@dataclass(frozen=True)
class Board:
    """One task's table as text, best model first.

    Attributes:
        title: of the table.
        about: what was measured on what.
        header: column names with units.
        rows: cells.
        notes: sentences below the table.
        facts: the `summary.json` it is made from.
    """

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    facts: Facts


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
    level = f"{100 * facts['level']:g} %"
    header = ["model", f"accuracy % ({level} interval)", "top-5 %", "macro-F1 %", "log-loss nats", "ECE %"]
    rows = []
    for row in facts["models"]:
        ends = f"({100 * row['accuracy_low']:.1f}-{100 * row['accuracy_high']:.1f})"
        rows.append(
            [
                row["model"],
                f"{_share(row, 'accuracy')} {ends}",
                _share(row, "top5"),
                _share(row, "macro_f1"),
                _with_spread(row, "log_loss", "{:.3f}"),
                _share(row, "ece"),
                *_costs(row),
            ]
        )
    about = (
        f"{facts['test']:,} test sketches of {len(facts['classes'])} classes ({facts['source']}), "
        "the same for every model; best accuracy first. ECE: expected calibration error."
    )
    header += ["parameters", "training s", "sketches/s", "seeds"]
    return Board("classify: strokes to class", about, header, rows, _notes(facts, _points), facts)


def _forecast(facts: Facts) -> Board:
    unit = f" {facts['unit']}" if facts["unit"] else ""
    level = f"{100 * facts['level']:g} %"
    horizon = facts["horizon"]
    header = [
        "model",
        f"MAE{unit} ({level} interval)",
        "day 1",
        f"day {horizon}",
        "MASE",
        "sMAPE %",
        "RMSE",
        "bias",
    ]
    header += [f"MAE {regime['name']}" for regime in facts["regimes"]]
    rows = []
    for row in facts["models"]:
        ends = f"({tables.figure(row['mae_low'])} to {tables.figure(row['mae_high'])})"
        plain = ["mae_day_1", f"mae_day_{horizon}"]
        rows.append(
            [
                row["model"],
                f"{_value(row, 'mae')} {ends}",
                *(_value(row, key) for key in plain),
                _with_spread(row, "mase", "{:.3f}"),
                _with_spread(row, "smape", "{:.1f}"),
                _value(row, "rmse"),
                _value(row, "bias"),
                *(_value(row, f"mae_regime_{regime['name']}") for regime in facts["regimes"]),
                *_costs(row),
            ]
        )
    every = "one a day" if facts["step"] == 1 else f"one every {facts['step']} days"
    about = (
        f"{facts['series']} ({facts['source']}): {horizon} days ahead from {facts['test']:,} origins, {every}, "
        f"first forecast day {facts['first']} to {facts['last']}, the same for every model; lowest MAE first. "
        f"Errors are in the series' own unit{f' ({unit.strip()})' if unit else ''}; "
        "MASE: MAE over that of seasonal-naive-7 on the training days."
    )
    notes = [
        f"{r['name']}: first forecast day {r['first']} to {r['last']}, {r['origins']:,} origins."
        for r in facts["regimes"]
    ]
    header += ["parameters", "training s", "forecasts/s", "seeds"]
    title = f"forecast: the next {horizon} days"
    return Board(title, about, header, rows, [*notes, *_notes(facts, _signed)], facts)


def _notes(facts: Facts, tell: Callable[[float], str]) -> list[str]:
    """On seeds, and on which differences are more than chance."""
    models = facts["models"]
    notes = []
    if facts.get("failed"):
        notes.append(f"Not shown, as the training failed: {', '.join(facts['failed'])}.")
    if all(len(row["seeds"]) == 1 for row in models):
        notes.append("One seed: no spread is known.")
    else:
        single = [row["model"] for row in models if len(row["seeds"]) == 1]
        notes.append(
            "Mean ± standard deviation over seeds"
            + (f"; one seed only: {', '.join(single)}." if single else ".")
        )
    best = models[0]["model"]
    for row in models[1:]:
        against = row["to_best"]
        verdict = "differs from" if against["differs"] else "cannot be told apart from"
        ends = f"{tell(against['low'])} to {tell(against['high'])}"
        notes.append(
            f"{row['model']} {verdict} {best}: {tell(against['difference'])} "
            f"(paired {100 * facts['level']:g} % interval {ends})."
        )
    return notes


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"


def _signed(value: float) -> str:
    return tables.figure(value) if value < 0 else f"+{tables.figure(value)}"


def _with_spread(row: Row, key: str, form: str, factor: float = 1.0) -> str:
    if key not in row:
        return "-"
    text = form.format(factor * row[key])
    spread = row.get(f"{key}_spread")
    return text if spread is None else f"{text} ± {form.format(factor * spread)}"


def _share(row: Row, key: str) -> str:
    return _with_spread(row, key, "{:.1f}", 100.0)


def _value(row: Row, key: str) -> str:
    if key not in row:
        return "-"
    spread = row.get(f"{key}_spread")
    return (
        tables.figure(row[key]) if spread is None else f"{tables.figure(row[key])} ± {tables.figure(spread)}"
    )


def _costs(row: Row) -> list[str]:
    """Parameters, training seconds, examples a second, seeds; `-` where there is none (a rule)."""
    cells = [f"{row['parameters']:,}" if "parameters" in row else "-"]
    cells.append(f"{row['train_seconds']:,.1f}" if "train_seconds" in row else "-")
    cells.append(f"{row['examples_per_second']:,.0f}" if "examples_per_second" in row else "-")
    return [*cells, str(len(row["seeds"]))]


_BOARDS: dict[str, Callable[[Facts], Board]] = {"classify": _classify, "forecast": _forecast}
