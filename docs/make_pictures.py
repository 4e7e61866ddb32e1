"""Make the pictures of the README and the docs, and their table of results, from a finished run.

    make pictures                                  # after `make repro`
    .venv/bin/python docs/make_pictures.py board   # one of them

Reads `reports/`, `models/draw/` and `mlruns/` of the working folder. Writes `docs/pictures/` and the text between
`<!-- results:begin -->` and `<!-- results:end -->` of README.md and docs/index.md. Equal reports give equal files, but
for screenshots. A picture whose inputs are missing is left as it is, and a line says why.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
PAGES = ("README.md", "docs/index.md")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
LIMIT = 200_000  # bytes of a picture

HEADLINES = {  # task → its metric in leaderboard.csv, what it is, its unit
    "classify": ("accuracy", "strokes to class: accuracy", "%"),
    "watch": ("accuracy", "video to class: accuracy", "%"),
    "draw": ("recognised", "class to strokes: drawings that the judge recognises", "%"),
    "forecast": ("mae", "the next days: mean absolute error (MAE)", ""),
}


class MissingInputError(Exception):
    """A picture cannot be made: something that it shows is not there."""


# ---------------------------------------------------------------------------------------------------- table of results


def read_summary(task: str, reports: Path) -> dict[str, Any]:
    """`reports/<task>/summary.json`.

    Raises:
        MissingInputError: if there is none.
    """
    path = reports / task / "summary.json"
    if not path.is_file():
        raise MissingInputError(f"no {path}: run `make repro`")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def read_leaderboard(reports: Path) -> list[dict[str, str]]:
    """The rows of `reports/leaderboard.csv`, per task best model first.

    Raises:
        MissingInputError: if there is none.
    """
    path = reports / "leaderboard.csv"
    if not path.is_file():
        raise MissingInputError(f"no {path}: run `make repro`")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def format_interval(value: float, low: float, high: float, unit: str) -> str:
    """A metric with its interval, e.g. `96.7 % (95.7-97.7)`; shares in percent."""
    if unit == "%":
        return f"{100 * value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
    digits = 1 if value < 1000 else 0
    return f"{value:,.{digits}f}{unit and f' {unit}'} ({low:,.{digits}f}–{high:,.{digits}f})"


def results_table(reports: Path) -> str:
    """The champion and the three best models of each task as a Markdown table, with 95 % intervals and a baseline."""
    rows = read_leaderboard(reports)
    lines = [
        "| task | best | second | third | champion | for comparison |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    notes = []
    for task, (metric, meaning, unit) in HEADLINES.items():
        models = [row for row in rows if row["task"] == task and row[metric]]
        if not models:
            continue
        summary = read_summary(task, reports)
        unit = unit or summary.get("unit", "")
        cells = [f"`{row['model']}` {_cell(row, metric, unit)}" for row in models[:3]]
        cells += ["-"] * (3 - len(cells))
        champions = [
            f"`{row['model']}` ({row['rank']} of {len(models)})"
            for row in models
            if row["champion"] == "true"
        ]
        cells.append(champions[0] if champions else "-")
        lines.append(
            f"| **{task}**, {meaning} | {' | '.join(cells)} | {_comparison(models, summary, metric, unit)} |"
        )
        notes.append(_test_set(task, summary))
    head = "95 % intervals in parentheses. The champion is chosen by validation, before test; its rank on test is in parentheses."
    return "\n".join([*lines, "", f"{head} {' '.join(notes)}"])


def _cell(row: dict[str, str], metric: str, unit: str) -> str:
    return format_interval(
        float(row[metric]), float(row[f"{metric}_low"]), float(row[f"{metric}_high"]), unit
    )


def _comparison(models: list[dict[str, str]], summary: dict[str, Any], metric: str, unit: str) -> str:
    """The baseline of a task; for `draw` the judge's rate on real drawings."""
    if summary["task"] == "draw":
        interval = format_interval(
            *(summary[key] for key in ("real_recognised", "real_low", "real_high")), unit
        )
        return f"real drawings {interval}"
    baseline = [row for row in models if row["model"] == summary["baseline"]]
    return f"`{summary['baseline']}` {_cell(baseline[0], metric, unit)}" if baseline else "-"


def _test_set(task: str, summary: dict[str, Any]) -> str:
    if task == "forecast":
        return (
            f"`forecast`: {summary['series']}, {summary['horizon']} days ahead from {summary['test']:,} origins between "
            f"{summary['first']} and {summary['last']}."
        )
    if task == "draw":
        return f"`draw`: {summary['samples']} drawings per class, temperature {summary['temperature']:g}."
    drawings = f"{summary['test']:,} test drawings of {len(summary['classes'])} classes"
    return (
        f"`{task}`: {drawings} ({summary['source']})."
        if task == "classify"
        else f"`{task}`: the same drawings."
    )


def replace_between(text: str, inserted: str) -> str:
    """`text` with `inserted` between the markers; unchanged if it has no markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{inserted}\n{end}{after}" if end else text


def write_results(root: Path, reports: Path) -> str:
    """Write the table of results into the pages; returns what was done."""
    table = results_table(reports)
    for name in PAGES:
        path = root / name
        path.write_text(replace_between(path.read_text(encoding="utf-8"), table), encoding="utf-8")
    return ", ".join(PAGES)


# ------------------------------------------------------------------------------------------------------------ pictures


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


STAGES = (  # stage and what it makes, left to right
    ("params", "settings of\neach stage"),
    ("download", "sketches,\nseries"),
    ("validate", "accepted rows,\nquarantine"),
    ("preprocess", "TFRecords\nper task"),
    ("train", "one model per\narchitecture, seed"),
    ("evaluate", "metrics with\nintervals"),
    ("compare", "leaderboard,\nHTML page"),
    ("sync", "MLflow board"),
)


def draw_pipeline(folder: Path, reports: Path) -> str:
    """The stages of dvc.yaml from left to right; needs no run."""
    from matplotlib.patches import FancyBboxPatch

    from strokecast.common import figures

    figure, (axes,) = figures.create(9.6, 2.1)
    for position, (stage, result) in enumerate(STAGES):
        colour = figures.COLOURS[0] if stage in ("train", "evaluate") else "#f4f4f4"
        box = FancyBboxPatch(
            (position - 0.38, 0.55),
            0.76,
            0.5,
            boxstyle="round,pad=0.02",
            facecolor=colour,
            edgecolor=figures.INK,
            lw=0.8,
        )
        axes.add_patch(box)
        ink = "white" if colour != "#f4f4f4" else figures.INK
        axes.text(position, 0.8, stage, ha="center", va="center", fontsize=9, color=ink)
        axes.text(position, 0.38, result, ha="center", va="top", fontsize=7, color="#555555")
        if position:
            arrow = {"arrowstyle": "-|>", "lw": 0.9, "color": figures.INK, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", xy=(position - 0.4, 0.8), xytext=(position - 0.6, 0.8), arrowprops=arrow)
    tasks = "classify   ·   watch   ·   draw   ·   forecast"
    axes.annotate(
        "",
        xy=(2.6, 1.25),
        xytext=(5.4, 1.25),
        arrowprops={"arrowstyle": "|-|,widthA=0.2,widthB=0.2", "lw": 0.8},
    )
    axes.text(4.0, 1.36, tasks, ha="center", va="bottom", fontsize=8)
    axes.set(xlim=(-0.5, len(STAGES) - 0.5), ylim=(-0.1, 1.7))
    axes.axis("off")
    path = folder / "pipeline.svg"
    figures.save(figure, path)
    return path.name


# ------------------------------------------------------------------------------------------------------- MLflow's board

COLUMNS = (
    "metrics.`test/accuracy`",
    "metrics.`test/log_loss`",
    "metrics.`parameters`",
    "metrics.`train_seconds`",
)
VIEW = {
    "orderByKey": COLUMNS[0],
    "orderByAsc": False,
    "selectedColumns": list(COLUMNS),
    "searchFilter": "",
    "startTime": "ALL",
    "lifecycleFilter": "Active",
    "runsExpanded": {},
    "runsPinned": [],
    "runsHidden": [],
    "groupBy": None,
}
WINDOW = (1900, 860)
CROP = (216, 196, 1116, 690)  # controls and the first twelve runs: left, top, right, bottom


def screenshot_board(folder: Path, reports: Path) -> str:
    """The runs of `classify` on the MLflow board, best accuracy first.

    MLflow serves a copy of the database on a free port of this machine, with the columns chosen by a shared view, so
    that the user's board stays as it is. Chromium takes the picture without a window.
    """
    database = Path("mlruns") / "mlflow.db"
    if not database.is_file():
        raise MissingInputError(f"no {database}: run `make repro`")
    browser = find_chromium()
    with tempfile.TemporaryDirectory() as work_dir:
        copy = Path(work_dir) / "mlflow.db"
        experiment = _copy_board(database, copy)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{copy}"]
        with (Path(work_dir) / "server.log").open("w") as log:
            process = subprocess.Popen(
                [*server, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
                stdout=log,
                stderr=log,
                env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
                cwd=work_dir,
                start_new_session=True,
            )
        try:
            _wait_for(f"{address}/health", process)
            page = f"{address}/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey=pictures"
            shot = Path(work_dir) / "board.png"
            _photograph(browser, page, shot, Path(work_dir) / "profile")
            path = folder / "board.png"
            _crop(shot, path)
        finally:
            _stop(process)
    return path.name


def find_chromium() -> str:
    """Path of Chromium.

    Raises:
        MissingInputError: if there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise MissingInputError("no Chromium on the PATH (Debian: `apt-get install chromium`)")


def _copy_board(database: Path, copy: Path) -> int:
    """Copy the database and add the view of the picture; returns the id of the experiment of `classify`."""
    with (
        closing(sqlite3.connect(f"file:{database.resolve()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
        target,
    ):
        source.backup(target)
        found = target.execute(
            "SELECT experiment_id FROM experiments WHERE name = 'strokecast-classify'"
        ).fetchone()
        if found is None:
            raise MissingInputError(f"no experiment strokecast-classify in {database}")
        view = ("mlflow.sharedViewState.pictures", json.dumps(VIEW), found[0])
        target.execute(
            "INSERT OR REPLACE INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)", view
        )
    return int(found[0])


def _wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise MissingInputError("`mlflow server` did not start")


def _photograph(browser: str, page: str, path: Path, profile: Path) -> None:
    size = ",".join(map(str, WINDOW))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=30000",
    ]
    places = [f"--window-size={size}", f"--user-data-dir={profile}", f"--screenshot={path}"]
    subprocess.run([browser, *options, *places, page], check=True, capture_output=True, timeout=300)


def _crop(shot: Path, path: Path) -> None:
    """Keep toolbar and table, in 128 colours."""
    from PIL import Image

    with Image.open(shot) as image:
        image.convert("RGB").crop(CROP).quantize(128).save(path, optimize=True)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers that it started: they are a process group of their own."""
    import signal

    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


# --------------------------------------------------------------------------------------------------------- report page


def screenshot_report(folder: Path, reports: Path) -> str:
    """The report page: its summary, an open cell of the confusion matrix, mistakes, and generated drawings on a phone.

    Chromium is driven by Playwright, which the extra `dev` installs.
    """
    page_path = reports / "index.html"
    if not page_path.is_file():
        raise MissingInputError(f"no {page_path}: run `make repro`")
    chromium = find_chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingInputError("playwright is not installed: it is part of the extra dev") from None
    names = []
    with tempfile.TemporaryDirectory() as work_dir, sync_playwright() as playwright:
        shot = Path(work_dir) / "shot.png"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (size, scheme, photograph) in _REPORT_PICTURES.items():
            width, height = size
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(page_path.resolve().as_uri())
            page.add_style_tag(content="nav { position: static !important; }")
            photograph(page, shot)
            _quantize(shot, folder / f"{name}.png")
            names.append(f"{name}.png")
            context.close()
        browser.close()
    return ", ".join(names)


def _photograph_window(page: Any, path: Path) -> None:
    page.wait_for_timeout(500)
    page.screenshot(path=path)


def _photograph_confusion(page: Any, path: Path) -> None:
    """The first of the cells with the most mistakes, open, above the matrix."""
    cells = page.locator("#classify-confusion td.wrong[aria-haspopup]")
    counts = [int(text) for text in cells.all_inner_texts()]
    if not counts:
        raise MissingInputError("the best model makes no mistakes")
    page.locator("#classify-confusion").evaluate("node => node.scrollIntoView({ behavior: 'instant' })")
    cells.nth(counts.index(max(counts))).click()
    page.mouse.move(0, 0)
    page.screenshot(path=path)


def _photograph_section(anchor: str) -> Callable[[Any, Path], None]:
    return lambda page, path: page.locator(f"#{anchor}").screenshot(path=path)


_REPORT_PICTURES: dict[str, tuple[tuple[int, int], str, Callable[[Any, Path], None]]] = {
    "report": ((1400, 900), "light", _photograph_window),
    "report-confusion": ((1100, 760), "light", _photograph_confusion),
    "report-mistakes": ((1100, 900), "light", _photograph_section("classify-mistakes")),
    "report-phone": ((390, 844), "dark", _photograph_section("draw-generated")),
}


def _quantize(shot: Path, path: Path) -> None:
    """The picture in 64 colours."""
    from PIL import Image

    with Image.open(shot) as image:
        image.convert("RGB").quantize(64).save(path, optimize=True)


# ---------------------------------------------------------------------------------------------------------------- all

MAKERS: dict[str, Callable[[Path, Path], str]] = {
    "results": lambda folder, reports: write_results(folder.parents[1], reports),
    "pipeline": draw_pipeline,
    "drawings": draw_strip,
    "forecast": draw_forecast,
    "ranking": draw_ranking,
    "board": screenshot_board,
    "report": screenshot_report,
}


def main(names: list[str], folder: Path = PICTURES, reports: Path = Path("reports")) -> int:
    """Make the named pictures (all if none is named); returns how many could not be made."""
    from strokecast.common import environment

    environment.prepare()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names or list(MAKERS):
        try:
            print(f"{name}: {MAKERS[name](folder, reports)}")
        except (MissingInputError, subprocess.SubprocessError, OSError, KeyError) as error:
            failed += 1
            print(f"{name}: left as it is: {error}", file=sys.stderr)
    for path in folder.iterdir():
        if path.stat().st_size > LIMIT:
            failed += 1
            print(f"{path.name}: {path.stat().st_size:,} bytes, more than {LIMIT:,}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(MAKERS)
    if unknown:
        sys.exit(f"error: {', '.join(sorted(unknown))} is not valid; choose from {', '.join(MAKERS)}")
    sys.exit(min(main(sys.argv[1:]), 1))
