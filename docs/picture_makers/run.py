"""Pictures of a run: real and generated drawings, forecasts, the ranking of all models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from picture_makers.inputs import HEADLINES, MissingInputError, read_leaderboard, read_summary


def draw_strip(folder: Path, reports: Path) -> str:
    """Real drawings above, generated ones below: for each class the first of the test split and the first generated."""
    import numpy as np
    from matplotlib.collections import LineCollection

    from strokecast.common import figures, paths
    from strokecast.evaluation.draw.figures import stroke_lines
    from strokecast.sources.sketches import quickdraw_sample

    summary = read_summary("draw", reports)
    sample = quickdraw_sample.read()
    classes = [label for label in summary["classes"] if label in sample]
    if not classes:
        raise MissingInputError(f"no class of {reports}/draw is in the embedded sample of real drawings")
    model_dirs = paths.model_dirs("draw", "class_decoder")
    if not model_dirs:
        raise MissingInputError("no trained model in models/draw/class_decoder/: run `make repro`")
    generated = _generate(model_dirs[0], classes, summary["temperature"])
    figure, (axes,) = figures.create(0.72 * len(classes) + 0.9, 2.0)
    for column, label in enumerate(classes):
        for row, drawing in enumerate((sample[label]["test"][0], generated[column])):
            lines = [np.array([column, row]) + line for line in stroke_lines(drawing)]
            colour = figures.INK if row == 0 else figures.COLOURS[0]
            style: Any = {"linewidths": 1.0, "capstyle": "round", "joinstyle": "round"}
            axes.add_collection(LineCollection(lines, colors=colour, **style), autolim=False)
    axes.set(xlim=(-0.5, len(classes) - 0.5), ylim=(1.5, -0.5), aspect="equal")
    axes.set_yticks([0, 1], ["real", "generated"], fontsize=8)
    axes.set_xticks(range(len(classes)), classes, fontsize=7)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    credit = quickdraw_sample.CREDITS
    text = f"Real: {credit['attribution']} ({credit['licence']}). Generated: class_decoder, trained on such drawings."
    figures.add_attribution(figure, text)
    path = folder / "drawings.svg"
    figures.save(figure, path)
    return path.name


def _generate(model_dir: Path, classes: list[str], temperature: float) -> list[Any]:
    import numpy as np
    import pandas as pd

    from strokecast.inference import predictor

    request = pd.DataFrame({"class": classes, "temperature": temperature, "seed": 1})
    drawings = predictor.load(model_dir).predict(request)["strokes"]
    return [np.asarray(strokes, np.float64) for strokes in drawings]


def draw_forecast(folder: Path, reports: Path) -> str:
    """Forecasts of the best model over the last ten weeks of the test days, with their intervals."""
    import pandas as pd

    from strokecast.common import figures

    summary = read_summary("forecast", reports)
    name = summary["models"][0]["model"]
    table = pd.read_parquet(reports / "forecast" / "predictions.parquet")
    table = table[(table["model"] == name) & (table["seed"] == table[table["model"] == name]["seed"].min())]
    table = table.assign(ds=pd.to_datetime(table["ds"]), origin=pd.to_datetime(table["origin"]))
    actual = pd.read_csv(reports / "forecast" / "plots" / "fan.csv", parse_dates=["ds"])
    actual = actual[actual["model"] == "actual"]
    start = table["ds"].max() - pd.Timedelta(days=69)
    figure, (axes,) = figures.create(9.0, 3.0)
    shown = actual[actual["ds"] >= start]
    axes.plot(shown["ds"].to_numpy(), shown["y"].to_numpy(), color=figures.INK, linewidth=1, label="actual")
    following = None
    labels: set[str] = set()
    for origin in sorted(table["origin"].unique(), reverse=True):
        window = table[table["origin"] == origin].sort_values("ds")
        if window["ds"].min() < start or (following is not None and window["ds"].max() >= following):
            continue
        following = window["ds"].min()
        _plot_fan(axes, window, figures.COLOURS[0], labels)
    axes.set_ylabel(summary.get("unit") or "value")
    axes.set_title(f"{summary['series']}: {summary['horizon']} days ahead by {name}", loc="left")
    figures.add_grid(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=5, fontsize=7, frameon=False)
    path = folder / "forecast.svg"
    figures.save(figure, path)
    return path.name


def _plot_fan(axes: Any, window: Any, colour: str, labels: set[str]) -> None:
    """One forecast with its 95, 80 and 50 % intervals."""
    days = window["ds"].to_numpy()
    for level, alpha in ((95, 0.15), (80, 0.2), (50, 0.3)):
        low, high = window[f"lo-{level}"].to_numpy(), window[f"hi-{level}"].to_numpy()
        label = f"{level} % interval"
        once = {} if label in labels else {"label": label}
        labels.add(label)
        axes.fill_between(days, low, high, color=colour, alpha=alpha, linewidth=0, **once)
    once = {} if "forecast" in labels else {"label": "forecast"}
    labels.add("forecast")
    axes.plot(
        days, window["forecast"].to_numpy(), color=colour, marker="o", markersize=2.5, linewidth=1.2, **once
    )


def draw_ranking(folder: Path, reports: Path) -> str:
    """All models of all tasks with their intervals, best first."""
    from strokecast.common import figures

    rows = read_leaderboard(reports)
    figure, panels = figures.create(9.0, 6.4, 2, 2)
    for axes, (task, (metric, _, unit)) in zip(panels, HEADLINES.items(), strict=True):
        models = [row for row in rows if row["task"] == task and row[metric]]
        factor = 100.0 if unit == "%" else 1.0
        for position, row in enumerate(models):
            value, low, high = (factor * float(row[f"{metric}{end}"]) for end in ("", "_low", "_high"))
            axes.plot([low, high], [position, position], color=figures.COLOURS[0], linewidth=1.5)
            axes.plot([value], [position], "o", color=figures.COLOURS[0], markersize=4)
        axes.set_yticks(range(len(models)), [row["model"] for row in models], fontsize=7)
        axes.set_ylim(len(models) - 0.5, -0.5)
        label = {"accuracy": "accuracy", "recognised": "recognised", "mae": "MAE"}[metric]
        axes.set_title(f"{task}: {label}{unit and f', {unit}'}", loc="left")
        figures.add_grid(axes, "x")
    path = folder / "ranking.svg"
    figures.save(figure, path)
    return path.name
