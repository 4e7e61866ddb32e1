"""Strokes → padded TFRecords: speed, memory, and a plain writer beside it.

    python benchmarks/preprocess.py                     # 10 thousand, 100 thousand and 1 million doodles
    python benchmarks/preprocess.py --sizes 10000 100000 --workers 2

Ten thousand doodles are drawn once; larger sets repeat them with their movements shaken by a unit. They
are written as validated parquet, in row groups as `validate` writes them. Each measurement is a process
of its own; its peak memory is the highest sum of the resident sets of it and its children, looked at
every 10 ms, or what the kernel reports as its own maximum, if that is higher. Times leave out imports.

The plain writer goes drawing by drawing, as `create_dataset.py` of TensorFlow's quickdraw tutorial does:
scale in numpy, fill a `tf.train.Example`, serialise it, hand it to a `tf.io.TFRecordWriter`. It reads the
same parquet and pads to the same buckets, so both write the same bytes, which is checked.
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

SPLITS = {"train": 0.9, "valid": 0.05, "test": 0.05}
BOUNDS = (32, 48, 64, 96, 200)
POOL = 10_000  # doodles drawn
ROW_GROUP = 8_192
SEED = 11


def pool() -> dict[str, list[np.ndarray]]:
    """Class → doodles, int16 [n_points, 3]; `POOL` of all classes together."""
    from strokecast.sources.sketches import doodles

    each = -(-POOL // len(doodles.CLASSES))
    return {label: list(doodles.doodles(label, "benchmark", each, SEED)) for label in doodles.CLASSES}


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

    from strokecast import files

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
    from strokecast.features import classify
    from strokecast.params import ClassifyFeatures, Preprocess

    started, used = time.perf_counter(), time.process_time()
    classify.preprocess(validated, out, ClassifyFeatures(bounds=BOUNDS), Preprocess(workers=workers))
    return time.perf_counter() - started, time.process_time() - used


def plain(validated: Path, out: Path, scale: float) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of a plain writer, drawing by drawing; the scale is given to it."""
    import pyarrow.parquet as pq
    import tensorflow as tf

    classes = json.loads((validated / "report.json").read_text())["classes"]
    started, used = time.perf_counter(), time.process_time()
    for split in SPLITS:
        (out / split).mkdir(parents=True)
        names = {bound: out / split / f"bucket-{bound:04d}-00000-of-00001.tfrecord" for bound in BOUNDS}
        writers: dict[int, tf.io.TFRecordWriter] = {}
        for batch in pq.ParquetFile(validated / f"{split}.parquet").iter_batches(1024):
            for row in batch.to_pylist():
                drawing = np.array(row["points"], dtype=np.float32).reshape(-1, 3)
                drawing[:, :2] /= np.float32(scale)
                bound = next((b for b in BOUNDS if len(drawing) <= b), BOUNDS[-1])
                ink = np.zeros((bound, 3), dtype=np.float32)
                kept = min(len(drawing), bound)
                ink[:kept] = drawing[:kept]
                if len(drawing) > bound:
                    ink[-1, 2] = 1.0
                features = {
                    "strokes": tf.train.Feature(float_list=tf.train.FloatList(value=ink.flatten())),
                    "length": tf.train.Feature(int64_list=tf.train.Int64List(value=[kept])),
                    "label": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[classes.index(row["label"])])
                    ),
                    "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["id"].encode()])),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                if bound not in writers:
                    writers[bound] = tf.io.TFRecordWriter(str(names[bound]))
                writers[bound].write(example.SerializeToString(deterministic=True))
        for writer in writers.values():
            writer.close()
    return time.perf_counter() - started, time.process_time() - used


class Measured(NamedTuple):
    """Seconds, seconds of processor time of the process itself, bytes of memory at the peak."""

    seconds: float
    processor: float
    peak: int


def best(runs: list[Measured]) -> Measured:
    """The fastest times, and the highest peak."""
    return Measured(
        min(run.seconds for run in runs), min(run.processor for run in runs), max(run.peak for run in runs)
    )


def child(kind: str, validated: Path, out: Path, number: float) -> None:
    """Run one measurement and print it as JSON."""
    seconds, processor = (
        ours(validated, out, int(number)) if kind == "ours" else plain(validated, out, number)
    )
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
    process, peak = psutil.Process(running.pid), 0
    while running.poll() is None:
        total = 0
        try:
            for one in (process, *process.children(recursive=True)):
                total += one.memory_info().rss
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.01)
    output, errors = running.communicate()
    if running.returncode:
        raise SystemExit(f"{kind} failed: {errors}")
    found = json.loads(output.splitlines()[-1])
    return Measured(found["seconds"], found["processor"], max(peak, found["peak"]))


def check_same(one: Path, other: Path) -> None:
    """Both wrote the same records."""
    names = sorted(path.relative_to(one) for path in one.rglob("*.tfrecord"))
    theirs = sorted(path.relative_to(other) for path in other.rglob("*.tfrecord"))
    if names != theirs:
        raise SystemExit("the plain writer wrote other files")
    for name in names:
        if (one / name).read_bytes() != (other / name).read_bytes():
            raise SystemExit(f"the plain writer wrote another {name}")


def main() -> None:
    """Measure, print a table and what is claimed."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    arguments.add_argument("--workers", type=int, default=1, help="processes of ours (1)")
    arguments.add_argument("--repeats", type=int, default=3, help="the fastest of so many runs counts (3)")
    arguments.add_argument("--folder", type=Path, help="where drawings are kept from one run to the next")
    arguments.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), Path(given.child[2]), float(given.child[3]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        base = given.folder or Path(temporary)
        drawn: dict[str, list[np.ndarray]] | None = None
        beside = min(given.sizes, key=lambda size: abs(size - 100_000))  # where the plain writer runs
        found: dict[int, tuple[int, Measured]] = {}
        heads = ("drawings", "writer", "seconds", "processor s", "sketches/s", "peak MiB")
        print("".join(f"{head:>13}" for head in heads), flush=True)
        for size in sorted(given.sizes):
            validated = base / f"validated-{size}"
            if not validated.is_dir():
                drawn = drawn or pool()
                write_validated(base / f".tmp-{size}", size, drawn)
                (base / f".tmp-{size}").rename(validated)
            count = _count(validated)
            runs = []
            for turn in range(given.repeats):
                out = Path(temporary) / f"ours-{size}-{turn}"
                runs.append(measure("ours", validated, out, given.workers))
                if turn or size != beside:
                    shutil.rmtree(out)
            found[size] = count, best(runs)
            _line(count, "ours", found[size][1])
            if size == beside:
                same = Path(temporary) / f"ours-{size}-0"
                scale = json.loads((same / "spec.json").read_text())["scale"]
                runs = []
                for turn in range(given.repeats):
                    out = Path(temporary) / f"plain-{turn}"
                    runs.append(measure("plain", validated, out, scale))
                    if not turn:
                        check_same(same, out)
                    shutil.rmtree(out)
                shutil.rmtree(same)
                slow = best(runs)
                _line(count, "plain", slow)
    _claims([found[size] for size in sorted(found)], found[beside][1], slow)


def _count(validated: Path) -> int:
    import pyarrow.parquet as pq

    return int(sum(pq.read_metadata(validated / f"{split}.parquet").num_rows for split in SPLITS))


def _line(count: int, name: str, run: Measured) -> None:
    rate = count / run.seconds
    print(
        f"{count:>13,}{name:>13}{run.seconds:>13.2f}{run.processor:>13.2f}{rate:>13,.0f}{run.peak / 2**20:>13.0f}",
        flush=True,
    )


def _claims(runs: list[tuple[int, Measured]], fast: Measured, slow: Measured) -> None:
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
    peak = max(run.peak for _, run in runs)
    held.append((f"below 2 GiB: {peak / 2**30:.2f} GiB", peak < 2 << 30))
    for line, holds in held:
        print(f"{'holds' if holds else 'FAILS'}  {line}")
    if not all(holds for _, holds in held):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
