"""Strokes → padded TFRecords: speed, memory, and a plain writer (`plain_writer.py`) beside it.

    python benchmarks/preprocess.py                     # 10 thousand, 100 thousand and 1 million doodles
    python benchmarks/preprocess.py --sizes 2000 10000 --repeats 1
    python benchmarks/preprocess.py --pool 2            # and a pool of two processes beside one process

Ten thousand doodles are drawn once; larger sets repeat them with their movements shaken by a unit. They
are written as validated parquet, in row groups as `validate` writes them. Each measurement is a process
of its own; its peak memory is the highest sum of the resident sets of it and its children, looked at
every 10 ms, or what the kernel reports as its own maximum, if that is higher. Times leave out imports.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from claims import conclude

SPLITS = {"train": 0.9, "valid": 0.05, "test": 0.05}
BOUNDS = (32, 48, 64, 96, 200)
POOL = 10_000  # doodles drawn
ROW_GROUP = 8_192
SEED = 11


def pool() -> dict[str, list[np.ndarray]]:
    """Class → doodles, int16 [n_points, 3]; `POOL` of all classes together."""
    from strokecast.sources.sketches import doodles

    each = -(-POOL // len(doodles.CLASSES))
    return {label: list(doodles.generate(label, "benchmark", each, SEED)) for label in doodles.CLASSES}


def shaken(drawings: list[np.ndarray], count: int, rng: np.random.Generator) -> Iterator[list[np.ndarray]]:
    """`count` drawings in lists of at most `ROW_GROUP`: as they are, then repeated and shaken."""
    for start in range(0, count, ROW_GROUP):
        part = []
        for index in range(start, min(start + ROW_GROUP, count)):
            drawing = drawings[index % len(drawings)].astype(np.float32)
            if index >= len(drawings):
                drawing[:, :2] += rng.integers(-1, 2, size=(len(drawing), 2))
            part.append(drawing)
        yield part


def write_validated(folder: Path, size: int, drawn: dict[str, list[np.ndarray]]) -> None:
    """`size` drawings as `data/validated/sketches/` holds them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from strokecast.common import files

    folder.mkdir(parents=True)
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("label", pa.string()),
            ("length", pa.int32()),
            ("points", pa.list_(pa.float32())),
        ]
    )
    rng = np.random.default_rng(SEED)
    for split, share in SPLITS.items():
        each = max(1, round(size * share / len(drawn)))
        with pq.ParquetWriter(folder / f"{split}.parquet", schema, compression="zstd") as writer:
            for label, drawings in drawn.items():
                done = 0
                for part in shaken(drawings, each, rng):
                    lengths = np.array([len(drawing) for drawing in part], dtype=np.int32)
                    offsets = np.concatenate([[0], np.cumsum(lengths) * 3]).astype(np.int32)
                    points = pa.ListArray.from_arrays(offsets, np.concatenate(part).ravel())
                    ids = [f"{label}/{split}/{done + index}" for index in range(len(part))]
                    writer.write_table(pa.table([ids, [label] * len(part), lengths, points], schema=schema))
                    done += len(part)
    files.write_json(folder / "report.json", {"source": "doodles", "classes": list(drawn)})


# ---------------------------------------------------------------- what is measured, each in its own process


def ours(validated: Path, out: Path, workers: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of `preprocess@classify`."""
    from strokecast.features.sketches import classify
    from strokecast.params import ClassifyFeatures, Preprocess

    started, used = time.perf_counter(), time.process_time()
    classify.preprocess(
        validated, out, ClassifyFeatures(bucket_boundaries=BOUNDS), Preprocess(workers=workers)
    )
    return time.perf_counter() - started, time.process_time() - used


class Measured(NamedTuple):
    """Seconds, seconds of processor time of the process itself, bytes of memory at the peak, processes seen."""

    seconds: float
    processor: float
    peak: int
    processes: int


def best(runs: list[Measured]) -> Measured:
    """The fastest times, and the highest peak."""
    return Measured(
        min(run.seconds for run in runs),
        min(run.processor for run in runs),
        max(run.peak for run in runs),
        max(run.processes for run in runs),
    )


def child(kind: str, validated: Path, out: Path, number: float) -> None:
    """Run one measurement and print it as JSON."""
    if kind == "ours":
        seconds, processor = ours(validated, out, int(number))
    else:
        import plain_writer

        seconds, processor = plain_writer.write(validated, out, number, BOUNDS, list(SPLITS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"seconds": seconds, "processor": processor, "peak": peak}))


def measure(kind: str, validated: Path, out: Path, number: float) -> Measured:
    """One measurement in a process of its own."""
    import psutil

    command = [sys.executable, __file__, "--child", kind, str(validated), str(out), repr(number)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    process, peak, processes = psutil.Process(running.pid), 0, 1
    while running.poll() is None:
        total = 0
        try:
            family = (process, *process.children(recursive=True))
            processes = max(processes, len(family))
            for one in family:
                total += one.memory_info().rss
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.01)
    output, errors = running.communicate()
    if running.returncode:
        raise SystemExit(f"{kind} failed: {errors}")
    found = json.loads(output.splitlines()[-1])
    return Measured(found["seconds"], found["processor"], max(peak, found["peak"]), processes)


def check_same(one: Path, other: Path) -> None:
    """Both wrote the same records."""
    names = sorted(path.relative_to(one) for path in one.rglob("*.tfrecord"))
    theirs = sorted(path.relative_to(other) for path in other.rglob("*.tfrecord"))
    if names != theirs:
        raise SystemExit("the plain writer wrote other files")
    for name in names:
        if (one / name).read_bytes() != (other / name).read_bytes():
            raise SystemExit(f"the plain writer wrote another {name}")


def measured(
    kind: str, validated: Path, outs: Path, number: float, repeats: int, keep: bool = False
) -> Measured:
    """The best of some measurements; what the first one wrote stays in `outs` if it is to be kept."""
    runs = []
    for turn in range(repeats):
        out = outs / str(turn)
        runs.append(measure(kind, validated, out, number))
        if turn or not keep:
            shutil.rmtree(out)
    return best(runs)


def main() -> None:
    """Measure, print a table and what is claimed."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--pool", type=int, help="at the largest size, so many workers beside one")
    arguments.add_argument("--repeats", type=int, default=3, help="the fastest of so many runs counts (3)")
    arguments.add_argument("--folder", type=Path, help="where drawings are kept from one run to the next")
    arguments.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), Path(given.child[2]), float(given.child[3]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        outs, base = Path(temporary), given.folder or Path(temporary)
        drawn: dict[str, list[np.ndarray]] | None = None
        beside = min(given.sizes, key=lambda size: abs(size - 100_000))  # where the plain writer runs
        found: dict[int, tuple[int, Measured]] = {}
        pooled: Measured | None = None
        heads = ("drawings", "writer", "processes", "seconds", "processor s", "sketches/s", "peak MiB")
        print("".join(f"{head:>13}" for head in heads), flush=True)
        for size in sorted(given.sizes):
            validated = base / f"validated-{size}"
            if not validated.is_dir():
                drawn = drawn or pool()
                write_validated(base / f".tmp-{size}", size, drawn)
                (base / f".tmp-{size}").rename(validated)
            count, compared = _count(validated), size == beside
            found[size] = (
                count,
                measured("ours", validated, outs / f"ours-{size}", 1, given.repeats, compared),
            )
            _line(count, "ours", found[size][1])
            if compared:
                same = outs / f"ours-{size}" / "0"
                scale = json.loads((same / "spec.json").read_text())["scale"]
                slow = measured("plain", validated, outs / "plain", scale, given.repeats, keep=True)
                check_same(same, outs / "plain" / "0")
                shutil.rmtree(same)
                shutil.rmtree(outs / "plain")
                _line(count, "plain", slow)
            if given.pool and size == max(given.sizes):
                pooled = measured("ours", validated, outs / "pool", given.pool, given.repeats)
                _line(count, f"ours, {given.pool}", pooled)
    _claims([found[size] for size in sorted(found)], found[beside][1], slow, pooled)


def _count(validated: Path) -> int:
    import pyarrow.parquet as pq

    return int(sum(pq.read_metadata(validated / f"{split}.parquet").num_rows for split in SPLITS))


def _line(count: int, name: str, run: Measured) -> None:
    rate = count / run.seconds
    print(
        f"{count:>13,}{name:>13}{run.processes:>13}{run.seconds:>13.2f}{run.processor:>13.2f}{rate:>13,.0f}"
        f"{run.peak / 2**20:>13.0f}",
        flush=True,
    )


def _claims(
    runs: list[tuple[int, Measured]], fast: Measured, slow: Measured, pooled: Measured | None
) -> None:
    """What is asked for, with what came out; exit code 1 where one does not hold."""
    ratio = slow.seconds / fast.seconds
    held = [
        (
            f"at least 10 times the plain writer: {ratio:.1f} (by processor time "
            f"{slow.processor / fast.processor:.1f})",
            ratio >= 10,
        )
    ]
    if len(runs) > 1:
        (few, one), (many, other) = runs[-2:]
        growth = other.seconds / one.seconds / (many / few)
        own = other.processor / one.processor / (many / few)
        held.append(
            (
                f"linear within 15 %: time a drawing x {growth:.2f} from {few:,} to {many:,} "
                f"(by processor time x {own:.2f})",
                growth <= 1.15,
            )
        )
        rise = other.peak / one.peak
        held.append((f"flat: peak x {rise:.2f} from {few:,} to {many:,}", rise <= 1.3))
    if pooled is not None:
        gain = runs[-1][1].seconds / pooled.seconds
        print(f"       pool: {gain:.2f} times one worker ({pooled.processes} processes seen)")
    peak = max(run.peak for run in (*(run for _, run in runs), *([pooled] if pooled else [])))
    held.append((f"below 2 GiB: {peak / 2**30:.2f} GiB", peak < 2 << 30))
    conclude(held)


if __name__ == "__main__":
    main()
