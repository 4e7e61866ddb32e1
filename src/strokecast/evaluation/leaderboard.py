"""The leaderboard of all tasks: `leaderboard.csv` and `leaderboard.md` from the tasks' `summary.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from strokecast.errors import UserError
from strokecast.evaluation import cells, tables
from strokecast.evaluation.cells import Board, Facts, Row
from strokecast.files import read_json, write_text

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
    compared = [f"over {facts['baseline']}, points"] if _has_baseline(facts) else []
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
                *(_over(row, facts["baseline"]) for _ in compared),
                *cells.costs(row),
            ]
        )
    about = (
        f"{facts['test']:,} test sketches of {len(facts['classes'])} classes ({facts['source']}), "
        "the same for every model; best accuracy first. ECE: expected calibration error."
    )
    header += [*further.values(), *compared, "parameters", "training s", "sketches/s", "seeds"]
    notes = [*_on_baseline(facts), *cells.notes(facts, cells.points)]
    return Board(title, about, header, rows, notes, facts)


def _has_baseline(facts: Facts) -> bool:
    return any(row["model"] == facts["baseline"] for row in facts["models"])


def _over(row: Row, baseline: str) -> str:
    """Accuracy minus the baseline's in points, with its interval; `-` for the baseline itself."""
    key = f"accuracy_minus_{baseline}"
    if key not in row:
        return "-"
    value, low, high = (100 * row[end] for end in (key, f"{key}_low", f"{key}_high"))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"


def _on_baseline(facts: Facts) -> list[str]:
    """Which models are no better than the baseline, as far as the test set tells."""
    baseline = facts["baseline"]
    if baseline is None:
        return []
    if not _has_baseline(facts):
        return [f"No comparison with {baseline}, which is not among the models judged."]
    low = f"accuracy_minus_{baseline}_low"
    others = [row for row in facts["models"] if row["model"] != baseline]
    short = [f"{row['model']} ({_over(row, baseline)})" for row in others if row[low] <= 0]
    level = f"paired {100 * facts['level']:g} % interval above 0"
    if short:
        return [f"Not better than {baseline} by a {level}: {', '.join(short)}."]
    return [f"Every other model is better than {baseline} by a {level}."] if others else []


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
                f"{cells.value(row, 'mae')} {ends}",
                *(cells.value(row, key) for key in plain),
                cells.with_spread(row, "mase", "{:.3f}"),
                cells.with_spread(row, "smape", "{:.1f}"),
                cells.value(row, "rmse"),
                cells.value(row, "bias"),
                *(cells.value(row, f"mae_regime_{regime['name']}") for regime in facts["regimes"]),
                *cells.costs(row),
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
    return Board(title, about, header, rows, [*notes, *cells.notes(facts, cells.signed)], facts)


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
