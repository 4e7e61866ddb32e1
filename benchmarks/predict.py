"""`strokecast predict` beside loops over single drawings and one call for all: drawings/s, peak memory, a corrupt row.

    python benchmarks/predict.py --project DIR                               # 10 thousand and 100 thousand doodles
    python benchmarks/predict.py --project DIR --sizes 200 1000 --single 50  # a smoke test

DIR is the folder of a project with trained models (`make repro`). The drawings are doodles in simplified ndjson; 2,000 are
generated and repeated. Each measurement runs in a process of its own. Times exclude imports and include reading, parsing,
the model's loading and tracing (`predict`) or one drawing to warm up (the others, which get parsed drawings in memory).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from claims import conclude
from own_process import clocks, measure, run_child, since

GENERATED = 2_000  # different doodles
SEED = 11
MAX_MEMORY_RATIO = 1.1
MIN_SPEED_RATIO = 5.0


def write_ndjson(path: Path, size: int, corrupt: int | None = None) -> None:
    """Write `size` drawings, one per line; the line at the position `corrupt` is cut in half."""
    from strokecast.sources.sketches import doodles

    per_class = -(-GENERATED // len(doodles.CLASSES))
    lines = []
    for label in doodles.CLASSES:
        for drawing in doodles.generate(label, "benchmark", per_class, SEED):
            record = {"word": label, "countrycode": "", "timestamp": "", "recognized": True}
            lines.append(json.dumps(record | {"drawing": to_strokes(drawing)})[1:])
    with path.open("w", encoding="utf-8") as file:
        for number in range(size):
            line = f'{{"key_id": "{number}", {lines[number % len(lines)]}'
            file.write((line[: len(line) // 2] if number == corrupt else line) + "\n")


def to_strokes(drawing: np.ndarray) -> list[list[list[int]]]:
    """Strokes of (x, y) in a box of 255, from moves (dx, dy, pen_lift)."""
    points = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(drawing[:, :2].astype(np.int64), axis=0)])
    points = np.minimum(points - points.min(axis=0), 255)
    ends = np.flatnonzero(drawing[:-1, 2] == 1) + 2
    return [stroke.T.tolist() for stroke in np.split(points, ends) if len(stroke)]


def read_frame(path: Path, count: int) -> Any:
    """The first `count` drawings as the table that `Predictor.predict` takes."""
    import pandas as pd

    from strokecast.sources.formats import ndjson
    from strokecast.sources.formats.records import Drawing
    from strokecast.sources.formats.strokes3 import to_strokes3

    drawings = [
        to_strokes3(item.strokes) for item in ndjson.read(path, "simplified") if isinstance(item, Drawing)
    ]
    return pd.DataFrame({"strokes": drawings[:count]})


def predict_file(task: str, model: str, source: Path, output: Path) -> tuple[float, float]:
    """Wall time and processor time of `strokecast predict` in seconds."""
    from strokecast.commands import predict
    from strokecast.common.import_hiding import start_tensorflow

    start_tensorflow()
    start = clocks()
    predict.run(predict.PredictOptions(model, source, output, task), report=lambda _: None)
    return since(start)


def predict_frame(task: str, model: str, source: Path, count: int, single: bool) -> tuple[float, float]:
    """Wall time and processor time of `Predictor.predict` for `count` drawings, one by one or in one call."""
    from strokecast.commands.model_lookup import find_model_dir
    from strokecast.inference import predictor

    loaded = predictor.load(find_model_dir(task, model, None))
    frame = read_frame(source, count)
    loaded.predict(frame[:1])
    start = clocks()
    for first in range(0, count, 1 if single else count):
        loaded.predict(frame[first : first + (1 if single else count)])
    return since(start)


def child(kind: str, task: str, model: str, source: str, output: str, count: str) -> tuple[float, float]:
    """Wall time and processor time of one measurement in seconds."""
    if kind == "predict":
        return predict_file(task, model, Path(source), Path(output))
    return predict_frame(task, model, Path(source), int(count), single=kind == "single")


def rows_without(path: Path, row: int) -> Any:
    """The table of predictions without one line of the input."""
    import pandas as pd

    table = pd.read_parquet(path).drop(columns="file")
    return table[table["row"] != row].reset_index(drop=True)


def main() -> None:
    """Measure, print and conclude."""
    if run_child(child):
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--project", type=Path, default=Path(), help="folder with trained models (.)")
    parser.add_argument("--model", default="conv_rnn", help="a trained model (conv_rnn)")
    parser.add_argument("--task", default="classify", choices=("classify", "watch"))
    parser.add_argument(
        "--sizes", type=int, nargs=2, default=[10_000, 100_000], help="drawings (10000 100000)"
    )
    parser.add_argument("--single", type=int, default=500, help="drawings of the loop (500)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work_dir:
        compare(arguments, Path(work_dir))


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    """Measure in `folder`, print and conclude."""
    small, large = arguments.sizes
    middle = small // 2

    def run(kind: str, source: str, count: int) -> Any:
        output = folder / f"{source}.parquet"
        return measure(
            __file__,
            arguments.project,
            kind,
            arguments.task,
            arguments.model,
            folder / f"{source}.ndjson",
            output,
            count,
        )

    write_ndjson(folder / "small.ndjson", small)
    write_ndjson(folder / "corrupt.ndjson", small, corrupt=middle)
    write_ndjson(folder / "large.ndjson", large)
    results = {
        "small": run("predict", "small", small),
        "large": run("predict", "large", large),
        "corrupt": run("predict", "corrupt", small),
        "call": run("call", "small", small),
        "single": run("single", "small", arguments.single),
    }
    counts = dict.fromkeys(results, small) | {"large": large, "single": arguments.single}
    rates, processor_rates = (
        {name: counts[name] / result[clock] for name, result in results.items()}
        for clock in ("seconds", "processor")
    )
    labels = {
        "small": "strokecast predict",
        "large": "strokecast predict",
        "call": "predict, one call",
        "single": "predict, one by one",
    }
    for name, label in labels.items():
        peak = results[name]["peak"] / 2**20
        print(
            f"{label:20} {counts[name]:>9,} drawings {rates[name]:10,.0f} drawings/s "
            f"{processor_rates[name]:10,.0f} per second of processor time {peak:8,.0f} MiB"
        )
    print(f"strokecast predict / one call: {rates['large'] / rates['call']:.2f}")
    memory = results["large"]["peak"] / results["small"]["peak"]
    speed = rates["large"] / rates["single"]
    processor_speed = processor_rates["large"] / processor_rates["single"]
    rows = [rows_without(folder / f"{name}.parquet", middle + 1) for name in ("small", "corrupt")]
    conclude(
        [
            (
                f"at least {MIN_SPEED_RATIO:g} times a loop over single drawings: {speed:.1f} times, "
                f"{processor_speed:.1f} by processor time",
                speed >= MIN_SPEED_RATIO,
            ),
            (
                f"peak memory at {large:,} drawings at most {MAX_MEMORY_RATIO:g} times that at {small:,}: "
                f"{memory:.3f} times",
                memory <= MAX_MEMORY_RATIO,
            ),
            (
                "a corrupt row in the middle costs that row alone",
                len(rows[1]) == small - 1 and rows[1]["error"].isna().all() and is_same(*rows),
            ),
        ]
    )


def is_same(a: Any, b: Any) -> bool:
    """Whether two tables have the same classes, and probabilities that differ by at most 1e-5."""
    exact = [name for name in a if not name.startswith(("probability", "predicted_"))]
    return a[exact].equals(b[exact]) and np.allclose(a["probability"], b["probability"], atol=1e-5)


if __name__ == "__main__":
    main()
