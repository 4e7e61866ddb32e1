"""The leaderboard table of each task, made from its `summary.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from strokecast.evaluation.board import cells
from strokecast.evaluation.board.level_notes import level_notes
from strokecast.evaluation.board.notes import (
    Summary,
    baseline_notes,
    champion_notes,
    combination_notes,
    has_baseline,
    recorded_choice_notes,
    refit_notes,
    seed_and_difference_notes,
)
from strokecast.evaluation.common import tables

_COST_HEADER = ("parameters", "training s")
_INTERVALS = {
    "adaptive": "intervals that follow the errors known at each origin (static: calibrated on validation origins only)",
    "static": "intervals calibrated on validation origins",
}
_SCALES = {"train": "the training days", "history": "the days before each origin"}


@dataclass(frozen=True)
class PublishedTable:
    """Models of this run among those that others published for the same windows and metrics, best MASE first.

    Attributes:
        title: of the table.
        about: where the published rows are from.
        header: column names.
        rows: cells; the last one says where the row is from.
    """

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class TaskTable:
    """One task's leaderboard as text, best model first.

    Attributes:
        title: of the table.
        about: test set and metrics.
        header: column names with units.
        rows: cells.
        notes: sentences below the table.
        summary: the `summary.json` it is made from.
        published: the comparison with published results; None if there is none.
    """

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    summary: Summary
    published: PublishedTable | None = None


def make_table(summary: Summary) -> TaskTable:
    """The table of the task that `summary` describes."""
    return _TABLES[summary["task"]](summary)


def _classify(summary: Summary) -> TaskTable:
    return _with_classes(summary, "classify: strokes to class", {})


def _watch(summary: Summary) -> TaskTable:
    orders = {"accuracy_reversed": "reversed %", "accuracy_shuffled": "shuffled %"}
    table = _with_classes(summary, "watch: video of a drawing being drawn to class", orders)
    note = "Reversed, shuffled: accuracy of the same network on the same frames in another order."
    return replace(table, notes=[note, *table.notes])


def _with_classes(summary: Summary, title: str, extra_shares: Mapping[str, str]) -> TaskTable:
    """The table of a task with classes; `extra_shares` maps metrics of this task alone to their headers."""
    level, baseline = f"{100 * summary['level']:g} %", summary["baseline"]
    header = ["model", f"accuracy % ({level} interval)", "validation accuracy %"]
    header += ["top-5 %", "macro-F1 %", "log-loss nats", "ECE %"]
    compared = has_baseline(summary)
    rows = []
    for model in summary["models"]:
        interval = f"({100 * model['accuracy_low']:.1f}-{100 * model['accuracy_high']:.1f})"
        row = [
            cells.model_cell(model, summary["champion"]),
            f"{cells.format_share(model, 'accuracy')} {interval}",
            cells.format_share(model, "valid_accuracy"),
            cells.format_share(model, "top5"),
            cells.format_share(model, "macro_f1"),
            cells.format_with_spread(model, "log_loss", "{:.3f}"),
            cells.format_share(model, "ece"),
            *(cells.format_share(model, key) for key in extra_shares),
        ]
        if compared:
            difference = cells.format_difference(
                model, "accuracy", baseline, cells.format_points_without_unit
            )
            row.append(difference)
        rows.append([*row, *cells.cost_cells(model)])
    about = (
        f"{summary['test']:,} test sketches of {len(summary['classes'])} classes ({summary['source']}), "
        "the same for every model; best accuracy first. ECE: expected calibration error."
    )
    difference_header = [f"minus {baseline}, points"] if compared else []
    header += [*extra_shares.values(), *difference_header, *_COST_HEADER, "sketches/s", "seeds"]
    notes = [
        *champion_notes(summary, "accuracy", cells.format_percent, cells.format_percent),
        *combination_notes(summary),
        *baseline_notes(summary, "accuracy", cells.format_points_without_unit),
        *seed_and_difference_notes(summary),
    ]
    return TaskTable(title, about, header, rows, notes, summary)


def _forecast(summary: Summary) -> TaskTable:
    unit = f" {summary['unit']}" if summary["unit"] else ""
    level, horizon, regimes = f"{100 * summary['level']:g} %", summary["horizon"], summary["regimes"]
    baseline, compared = summary["baseline"], has_baseline(summary)
    header = ["model", f"MAE{unit} ({level} interval)", "validation MAE"]
    header += [f"MAE minus {baseline}"] if compared else []
    header += ["day 1", f"day {horizon}", "MASE", "RMSSE", "sMAPE %", "WAPE %", "RMSE", "bias", "CRPS", "WQL"]
    header += ["80 % coverage, %", "80 % width"]
    intervals = summary.get("intervals", "static")
    is_adaptive = intervals == "adaptive"
    header += ["80 % coverage, % (static)", "CRPS (static)"] if is_adaptive else []
    header += [f"{metric} {r['name']}" for r in regimes for metric in ("MAE", "80 % coverage, %")]
    header += [*_COST_HEADER, "forecasts/s", "seeds"]
    rows = []
    for model in summary["models"]:
        interval = f"({tables.format_number(model['mae_low'])} to {tables.format_number(model['mae_high'])})"
        row = [
            cells.model_cell(model, summary["champion"]),
            f"{cells.format_metric(model, 'mae')} {interval}",
        ]
        row.append(cells.format_metric(model, "valid_mae"))
        if compared:
            row.append(cells.format_difference(model, "mae", baseline, cells.format_signed))
        row += [cells.format_metric(model, key) for key in ("mae_day_1", f"mae_day_{horizon}")]
        row += [cells.format_with_spread(model, key, "{:.3f}") for key in ("mase", "rmsse")]
        row += [cells.format_with_spread(model, key, "{:.1f}") for key in ("smape", "wape")]
        row += [cells.format_metric(model, key) for key in ("rmse", "bias", "crps")]
        row += [cells.format_with_spread(model, "mean_weighted_quantile_loss", "{:.5f}")]
        row += [cells.format_share(model, "coverage_80"), cells.format_metric(model, "width_80")]
        if is_adaptive:
            row += [cells.format_share(model, "coverage_80_static")]
            row += [cells.format_metric(model, "crps_static")]
        for regime in regimes:
            row.append(cells.format_metric(model, f"mae_regime_{regime['name']}"))
            row.append(cells.format_share(model, f"coverage_80_regime_{regime['name']}"))
        rows.append([*row, *cells.cost_cells(model)])
    means = (
        "Metrics are means over the series; series.csv has each series. " if "series_ids" in summary else ""
    )
    units = f"Errors are in the unit of the series{f' ({unit.strip()})' if unit else ''}"
    about = (
        f"{summary['series']} ({summary['source']}): {horizon} days ahead from {summary['test']:,} origins"
        f"{_spacing(summary)}, first forecast day {summary['first']} to {summary['last']}, the same for every model; "
        f"lowest MAE first. {means}{units}. MASE, RMSSE: MAE and RMSE over those of seasonal-naive-"
        f"{summary['mase']['season']} on {_SCALES[summary['mase']['scale']]}. WQL: mean weighted quantile loss. CRPS, "
        f"WQL, coverage and width are of {_INTERVALS[intervals]}. The validation MAE of a slow model is scaled to the origins of the "
        "others. docs/forecasts.md has the formulas."
    )
    notes = [
        f"{r['name']}: first forecast day {r['first']} to {r['last']}, {r['origins']:,} origins."
        for r in regimes
    ]
    notes += champion_notes(summary, "MAE", tables.format_number, tables.format_number)
    notes += recorded_choice_notes(summary)
    notes += combination_notes(summary)
    notes += level_notes(summary)
    notes += refit_notes(summary)
    notes += baseline_notes(summary, "mae", cells.format_signed, higher_is_better=False)
    notes += [
        f"{name}: {entry['origins']:,} validation origins are too few for "
        f"{', '.join(f'{100 * one:g} %' for one in entry['levels'])} intervals; these reach to the largest "
        "validation error."
        for name, entry in summary["unattainable_intervals"].items()
    ]
    notes += seed_and_difference_notes(summary)
    title = f"forecast: the next {horizon} days"
    return TaskTable(title, about, header, rows, notes, summary, _published(summary))


def _published(summary: Summary) -> PublishedTable | None:
    published = summary.get("published")
    if published is None:
        return None
    ours = [(model, "this run") for model in summary["models"]]
    others = [({**row, "model": row["name"]}, "published, not run here") for row in published["rows"]]
    rows = [
        [
            cells.model_cell(model, summary["champion"]) if origin == "this run" else str(model["model"]),
            cells.format_with_spread(model, "mase", "{:.3f}"),
            cells.format_with_spread(model, "mean_weighted_quantile_loss", "{:.5f}"),
            origin,
        ]
        for model, origin in sorted(
            [*ours, *others], key=lambda row: math.inf if row[0].get("mase") is None else row[0]["mase"]
        )
    ]
    about = (
        f"Published rows: {published['source']}, read {published['date']}; the same windows and metrics, computed by "
        "their authors. Lowest MASE first."
    )
    header = ["model", "MASE", "mean weighted quantile loss", "from"]
    return PublishedTable(f"Beside published results: {published['title']}", about, header, rows)


def _spacing(summary: Summary) -> str:
    if summary["test"] < summary["possible_origins"]:
        return f" evenly spaced out of {summary['possible_origins']:,}"
    return ", one per day" if summary["step_size"] == 1 else f", one every {summary['step_size']} days"


def _draw(summary: Summary) -> TaskTable:
    level = f"{100 * summary['level']:g} %"
    header = ["model", f"recognised % ({level} interval)", "real drawings %"]
    header += ["NLL", "reconstruction", "KL", "validation NLL", "validation reconstruction", "validation KL"]
    header += [*_COST_HEADER, "drawings/s", "seeds"]
    likelihood = [f"{split}{name}" for split in ("", "valid_") for name in ("nll", "reconstruction", "kl")]
    rows = []
    for model in summary["models"]:
        conditional, interval = model["recognised"] is not None, ""
        if conditional:
            interval = f" ({100 * model['recognised_low']:.1f}-{100 * model['recognised_high']:.1f})"
        rows.append(
            [
                cells.model_cell(model, summary["champion"]),
                f"{cells.format_share(model, 'recognised')}{interval}",
                f"{100 * summary['real_recognised']:.1f}" if conditional else "-",
                *(cells.format_with_spread(model, key, "{:.3f}") for key in likelihood),
                *cells.cost_cells(model),
            ]
        )
    real = f"{100 * summary['real_low']:.1f}-{100 * summary['real_high']:.1f}"
    about = (
        f"Recognised: share of {summary['samples']} generated drawings per class (temperature "
        f"{summary['temperature']:g}) that the judge {summary['judge']} assigns to their class. Real drawings: the same "
        f"for the {summary['test']:,} test drawings of these {len(summary['classes'])} classes ({summary['source']}), "
        f"{level} interval {real}. Most recognised first. NLL, reconstruction and KL in nats per step of a test drawing; "
        "NLL = reconstruction + KL, an upper bound for models with a latent vector."
    )
    unconditional = [model["model"] for model in summary["models"] if model["recognised"] is None]
    notes = [f"Unconditional, so not judged: {', '.join(unconditional)}."] if unconditional else []
    notes += champion_notes(summary, "recognised", "{:.3f} nats per step".format, cells.format_percent)
    notes += seed_and_difference_notes(summary)
    title = "draw: class or latent vector to strokes"
    return TaskTable(title, about, header, rows, notes, summary)


_TABLES: dict[str, Callable[[Summary], TaskTable]] = {
    "classify": _classify,
    "watch": _watch,
    "draw": _draw,
    "forecast": _forecast,
}
