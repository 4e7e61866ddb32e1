"""Strokes → padded TFRecords: speed and memory, beside a plain writer (`plain_writer.py`).

    python benchmarks/preprocess.py                                  # 10 thousand, 100 thousand and 1 million doodles
    python benchmarks/preprocess.py --sizes 2000 10000 --repeats 1   # a smoke test
    python benchmarks/preprocess.py --workers 2                      # also two workers at the largest size

Ten thousand doodles are generated; larger sets repeat them with each move changed by up to one unit. They are written as
validated parquet, in the row groups that the stage `validate` writes. Each measurement runs in a process of its own. Its
peak memory is the highest sum of the resident sets of the process and its children, sampled every 10 ms, or the maximum
that the kernel reports for the process, if that is higher. Times exclude imports.
"""

from __future__ import annotations

import argparse
import json
import os
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
from own_process import clocks, print_cost, since

SPLITS = {"train": 0.9, "valid": 0.05, "test": 0.05}
BUCKET_BOUNDARIES = (32, 48, 64, 96, 200)  # points
GENERATED = 10_000  # different doodles
ROW_GROUP = 8_192
SEED = 11


def generate_doodles() -> dict[str, list[np.ndarray]]:
    """Class → doodles, int16 [n_points, 3]; `GENERATED` over all classes."""
    from strokecast.sources.sketches import doodles

    per_class = -(-GENERATED // len(doodles.CLASSES))
    return {label: list(doodles.generate(label, "benchmark", per_class, SEED)) for label in doodles.CLASSES}


def row_groups(
    drawings: list[np.ndarray], count: int, rng: np.random.Generator
) -> Iterator[list[np.ndarray]]:
    """`count` drawings in lists of at most `ROW_GROUP`; repeated drawings have their moves changed by up to one unit."""
    for start in range(0, count, ROW_GROUP):
        row_group = []
        for index in range(start, min(start + ROW_GROUP, count)):
            drawing = drawings[index % len(drawings)].astype(np.float32)
            if index >= len(drawings):
                drawing[:, :2] += rng.integers(-1, 2, size=(len(drawing), 2))
            row_group.append(drawing)
        yield row_group


def write_validated(folder: Path, size: int, doodles: dict[str, list[np.ndarray]]) -> None:
    """Write `size` drawings in the format of `data/validated/sketches/`."""
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
        per_class = max(1, round(size * share / len(doodles)))
        with pq.ParquetWriter(folder / f"{split}.parquet", schema, compression="zstd") as writer:
            for label, drawings in doodles.items():
                written = 0
                for row_group in row_groups(drawings, per_class, rng):
                    lengths = np.array([len(drawing) for drawing in row_group], dtype=np.int32)
                    offsets = np.concatenate([[0], np.cumsum(lengths) * 3]).astype(np.int32)
                    points = pa.ListArray.from_arrays(offsets, np.concatenate(row_group).ravel())
                    ids = [f"{label}/{split}/{written + index}" for index in range(len(row_group))]
                    labels = [label] * len(row_group)
                    writer.write_table(pa.table([ids, labels, lengths, points], schema=schema))
                    written += len(row_group)
    files.write_json(folder / "report.json", {"source": "doodles", "classes": list(doodles)})


def run_strokecast(validated: Path, out: Path, workers: int) -> tuple[float, float]:
    """Wall time and processor time of `preprocess@classify` in seconds."""
    from strokecast.features.sketches import classify
    from strokecast.params import ClassifyFeatures, Preprocess

    start = clocks()
    classify.preprocess(
        validated, out, ClassifyFeatures(bucket_boundaries=BUCKET_BOUNDARIES), Preprocess(workers=workers)
    )
    return since(start)


class Measurement(NamedTuple):
    """Cost of one run, or of several.

    Attributes:
        seconds: wall time.
        processor: processor time of the main process in seconds.
        peak: memory of all processes in bytes.
        processes: highest number of processes seen at once.
    """

    seconds: float
    processor: float
    peak: int
    processes: int


def best(runs: list[Measurement]) -> Measurement:
    """The lowest times, the highest peak and the highest number of processes."""
    return Measurement(
        min(run.seconds for run in runs),
        min(run.processor for run in runs),
        max(run.peak for run in runs),
        max(run.processes for run in runs),
    )


def child(writer: str, validated: Path, out: Path, scale_or_workers: float) -> None:
    """Run one measurement in this process and print it as JSON.

    Args:
        writer: `strokecast` or `plain`.
        validated: folder with the drawings.
        out: folder to create.
        scale_or_workers: number of workers (strokecast); divisor of dx and dy (plain).
    """
    if writer == "strokecast":
        seconds, processor = run_strokecast(validated, out, int(scale_or_workers))
    else:
        import plain_writer

        seconds, processor = plain_writer.write(
            validated, out, scale_or_workers, BUCKET_BOUNDARIES, list(SPLITS)
        )
    print_cost(seconds, processor)


def measure_once(writer: str, validated: Path, out: Path, scale_or_workers: float) -> Measurement:
    """Run `child` in a process of its own and sample its memory.

    Raises:
        SystemExit: if the process fails.
    """
    import psutil

    command = [sys.executable, __file__, "--child", writer, str(validated), str(out), repr(scale_or_workers)]
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
            for member in family:
                total += member.memory_info().rss
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.01)
    output, errors = running.communicate()
    if running.returncode:
        raise SystemExit(f"{writer} failed: {errors}")
    result = json.loads(output.splitlines()[-1])
    return Measurement(result["seconds"], result["processor"], max(peak, result["peak"]), processes)


def measure(
    writer: str, validated: Path, outs: Path, scale_or_workers: float, repeats: int, keep: bool = False
) -> Measurement:
    """The best of `repeats` measurements; with `keep`, the first one's output stays in `outs/0`."""
    runs = []
    for turn in range(repeats):
        out = outs / str(turn)
        runs.append(measure_once(writer, validated, out, scale_or_workers))
        if turn or not keep:
            shutil.rmtree(out)
    return best(runs)


def check_equal(own: Path, peer: Path) -> None:
    """Check that both writers wrote the same files with the same bytes.

    Raises:
        SystemExit: if they did not.
    """
    names = sorted(path.relative_to(own) for path in own.rglob("*.tfrecord"))
    if names != sorted(path.relative_to(peer) for path in peer.rglob("*.tfrecord")):
        raise SystemExit("the plain writer wrote different files")
    for name in names:
        if (own / name).read_bytes() != (peer / name).read_bytes():
            raise SystemExit(f"the plain writer wrote a different {name}")


def main() -> None:
    """Measure, print a table and the claims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000], help="drawings")
    parser.add_argument("--workers", type=int, help="also measure this number of workers at the largest size")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the fastest counts (3)")
    parser.add_argument("--folder", type=Path, help="keep the drawings here for the next run")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        writer, validated, out, scale_or_workers = arguments.child
        child(writer, Path(validated), Path(out), float(scale_or_workers))
        return
    with tempfile.TemporaryDirectory() as temporary:
        outs, base = Path(temporary), arguments.folder or Path(temporary)
        doodles: dict[str, list[np.ndarray]] | None = None
        peer_size = min(arguments.sizes, key=lambda size: abs(size - 100_000))
        measurements: dict[int, tuple[int, Measurement]] = {}  # size → number of drawings, measurement
        pooled: Measurement | None = None
        columns = ("drawings", "writer", "processes", "seconds", "processor s", "sketches/s", "peak MiB")
        print("".join(f"{column:>15}" for column in columns), flush=True)
        for size in sorted(arguments.sizes):
            validated = base / f"validated-{size}"
            if not validated.is_dir():
                doodles = doodles or generate_doodles()
                write_validated(base / f".tmp-{size}", size, doodles)
                (base / f".tmp-{size}").rename(validated)
            count, has_peer = _count(validated), size == peer_size
            own_outs = outs / f"strokecast-{size}"
            own = measure("strokecast", validated, own_outs, 1, arguments.repeats, has_peer)
            measurements[size] = count, own
            _print_row(count, "strokecast", own)
            if has_peer:
                own_out = own_outs / "0"
                scale = json.loads((own_out / "spec.json").read_text())["scale"]
                peer = measure("plain", validated, outs / "plain", scale, arguments.repeats, keep=True)
                check_equal(own_out, outs / "plain" / "0")
                shutil.rmtree(own_out)
                shutil.rmtree(outs / "plain")
                _print_row(count, "plain", peer)
            if arguments.workers and size == max(arguments.sizes):
                pooled = measure("strokecast", validated, outs / "pool", arguments.workers, arguments.repeats)
                _print_row(count, f"{arguments.workers} workers", pooled)
    _conclude([measurements[size] for size in sorted(measurements)], measurements[peer_size][1], peer, pooled)


def _count(validated: Path) -> int:
    import pyarrow.parquet as pq

    return int(sum(pq.read_metadata(validated / f"{split}.parquet").num_rows for split in SPLITS))


def _print_row(count: int, writer: str, run: Measurement) -> None:
    print(
        f"{count:>15,}{writer:>15}{run.processes:>15}{run.seconds:>15.2f}{run.processor:>15.2f}"
        f"{count / run.seconds:>15,.0f}{run.peak / 2**20:>15.0f}",
        flush=True,
    )


def _conclude(
    runs: list[tuple[int, Measurement]], own: Measurement, peer: Measurement, pooled: Measurement | None
) -> None:
    """Print the claims; `runs` are (number of drawings, measurement), the smallest first."""
    ratio = peer.seconds / own.seconds
    claims = [
        (
            f"at least 10 times the plain writer: {ratio:.1f} (by processor time "
            f"{peer.processor / own.processor:.1f})",
            ratio >= 10,
        )
    ]
    if len(runs) > 1:
        (few, smaller), (many, larger) = runs[-2:]
        growth = larger.seconds / smaller.seconds / (many / few)
        processor_growth = larger.processor / smaller.processor / (many / few)
        claims.append(
            (
                f"linear within 15 %: time per drawing x {growth:.2f} from {few:,} to {many:,} "
                f"(by processor time x {processor_growth:.2f})",
                growth <= 1.15,
            )
        )
        memory_growth = larger.peak / smaller.peak
        claims.append(
            (f"flat memory: peak x {memory_growth:.2f} from {few:,} to {many:,}", memory_growth <= 1.3)
        )
    if pooled is not None:
        gain = runs[-1][1].seconds / pooled.seconds
        print(f"       workers: {gain:.2f} times one worker ({pooled.processes} processes seen)")
    peak = max(run.peak for run in (*(run for _, run in runs), *([pooled] if pooled else [])))
    claims.append((f"below 2 GiB: {peak / 2**30:.2f} GiB", peak < 2 << 30))
    conclude(claims)


if __name__ == "__main__":
    main()
