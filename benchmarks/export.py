"""Exports every trained network of a project in every format and writes the tables of `docs/guide/export.md`.

Run it in a project with finished trainings, after `uv pip install -e '.[export]'`:

    python benchmarks/export.py --record export.jsonl --write docs/guide/export.md

What the record has is not exported again, so a run that was cut goes on. Each network runs in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TASKS = ("classify", "watch", "forecast")
VARIANTS = (
    "onnx",
    "litert",
    "saved_model",
    "onnx-dynamic",
    "onnx-int8",
    "litert-dynamic",
    "litert-int8",
)
PUBLIC_WAYS, TRACED_WAY = ("keras", "keras_predict"), ("keras_function",)  # of `serving.latency.keras_ways`
START, END = "<!-- export table: benchmarks/export.py -->", "<!-- end -->"
CRASHES = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGFPE, -signal.SIGILL, -signal.SIGBUS)


def main() -> None:
    """Export what the record lacks, then write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", type=Path, required=True, help="JSON lines, one per network and variant")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--networks", nargs="+", help="such as classify/gru; default: all that are trained")
    parser.add_argument("--examples", type=int, default=1000, help="real examples per network")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _export(options)
        return
    from strokecast.models.common import registry
    from strokecast.serving import export

    trained = [
        (task, name)
        for task in TASKS
        for name in registry.names(task)
        if (Path("models") / task / name).is_dir()
    ]
    reasons = {f"{task}/{name}": export.reason_against(task, name) for task, name in trained}
    for network, reason in reasons.items():
        if not reason and network in (options.networks or reasons):
            _start(options, network)
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, after = text.split(START)[0], text.split(END, 1)[1]
        tables = _tables(options.record, reasons)
        options.write.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def _start(options: argparse.Namespace, network: str) -> None:
    """Export one network in a new process: a converter that fails may end its process."""
    while missing := [
        one for one in options.variants if one not in _recorded(options.record).get(network, {})
    ]:
        command = [sys.executable, __file__, "--record", str(options.record), "--one", network]
        command += ["--examples", str(options.examples), "--variants", *missing]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode in CRASHES:
            known = _recorded(options.record).get(network, {})
            crashed = next(one for one in missing if one not in known)
            _append(options.record, network, crashed, {"reason": "the converter stopped"})
        elif done.returncode:
            sys.exit(f"{network}: {done.stderr.decode(errors='replace')[-2000:]}")


def _export(options: argparse.Namespace) -> None:
    from strokecast.common.errors import UserError
    from strokecast.serving import export

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    task, name = options.one.split("/")
    folder, processed = Path("models") / task / name / "seed-1", Path("data/processed") / task
    loaded = export.load(folder, processed, options.examples)
    recorded = _recorded(options.record).get(options.one, {})
    keras_is_timed = any("keras" in row.get("latency_ms", {}) for row in recorded.values())
    for variant in options.variants:
        file_format, _, quantize = variant.partition("-")
        keras_ways = {} if quantize or keras_is_timed else loaded.keras_ways
        with tempfile.TemporaryDirectory() as target:
            try:
                result = export.write_files(
                    dataclasses.replace(loaded, keras_ways=keras_ways), file_format, quantize, Path(target)
                )
                keras_is_timed |= bool(keras_ways)
            except UserError as error:
                result = {"reason": error.what}
        _append(options.record, options.one, variant, result)


def _append(record: Path, network: str, variant: str, result: dict[str, Any]) -> None:
    keys = (
        "reason",
        "compared_examples",
        "largest_difference",
        "scored_examples",
        "metric",
        "score",
        "keras_score",
        "bytes",
        "keras_bytes",
        "latency_ms",
    )
    row = {"network": network, "variant": variant, **{key: result[key] for key in keys if key in result}}
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _read(record: Path) -> list[dict[str, Any]]:
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def _recorded(record: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Network → variant → row."""
    networks: dict[str, dict[str, dict[str, Any]]] = {}
    for row in _read(record):
        networks.setdefault(row["network"], {})[row["variant"]] = row
    return networks


def _tables(record: Path, not_exported: dict[str, str]) -> str:
    """The tables as Markdown.

    Args:
        record: of the exports.
        not_exported: trained model → why it is not exported, or "".
    """
    networks = sorted(_recorded(record).items())
    notes: list[str] = []
    lines = ["Largest difference from Keras, and size in kB:", ""]
    lines += _table(
        ("network", "examples", "saved_model", "onnx", "litert", "Keras, kB", "onnx, kB", "litert, kB"),
        (_float_cells(network, variants, notes) for network, variants in networks),
    )
    lines += ["", "Quantized files, change against Keras and size in kB:", ""]
    quantized = [one for one in VARIANTS if "-" in one]
    lines += _table(
        ("network", *(one.replace("-", " ") for one in quantized)),
        (
            [network, *(_loss(variants.get(one), notes) for one in quantized)]
            for network, variants in networks
            if set(quantized) & set(variants)
        ),
    )
    lines += ["", "Milliseconds for one example, median / 99th percentile:", ""]
    lines += _table(
        ("network", "`model(x)`", "`predict`", "`tf.function`", "onnx", "litert", "faster call / onnx", "`tf.function` / onnx"),
        (_time_cells(network, variants) for network, variants in networks),
    )  # fmt: skip
    lines += [
        "",
        _ratio_line(
            [
                variants["onnx"]["latency_ms"]
                for _, variants in networks
                if "latency_ms" in variants.get("onnx", {})
            ]
        ),
    ]
    lines += ["", *(f"{number}. {reason}" for number, reason in enumerate(notes, start=1))]
    for reason in sorted({one for one in not_exported.values() if one}):
        names = ", ".join(sorted(name for name, one in not_exported.items() if one == reason))
        lines += ["", f"Not exported, {reason}: {names}."]
    return "\n".join(lines)


def _ratio_line(latencies: list[dict[str, Any]]) -> str:
    """The least and the largest ratios of the latency of Keras to that of an ONNX file."""
    clauses = []
    for ways, name in (
        (PUBLIC_WAYS, "the faster of `model(x)` and `predict`"),
        (TRACED_WAY, "a `tf.function`"),
    ):
        medians, tails = (
            [ratio for one in latencies if (ratio := _ratio(one, ways, percentile))]
            for percentile in ("p50", "p99")
        )
        if medians:
            clauses.append(
                f"{name} takes {min(medians):.1f} to {max(medians):.1f} times the median of the ONNX file, and "
                f"{min(tails):.1f} to {max(tails):.1f} times its 99th percentile"
            )
    return f"Over all networks, {'; '.join(clauses)}."


def _ratio(latency: dict[str, Any], ways: tuple[str, ...], percentile: str) -> float | None:
    """How many times less an ONNX file takes than the way of these with the lowest median; None if none is timed."""
    timed = [latency[way] for way in ways if way in latency]
    if not timed:
        return None
    fastest = min(timed, key=lambda one: one["p50"])
    return float(fastest[percentile] / latency["file"][percentile])


def _table(head: tuple[str, ...], rows: Iterable[list[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in ([*head], rule, *rows)]


def _float_cells(network: str, variants: dict[str, Any], notes: list[str]) -> list[str]:
    formats = ("saved_model", "onnx", "litert")
    cells = [
        _refusal(variants.get(one), notes) or f"{variants[one]['largest_difference']:.1e}" for one in formats
    ]
    keras = next((_kilobytes(row, "keras_bytes") for row in variants.values() if "bytes" in row), "")
    compared = [str(row["compared_examples"]) for row in variants.values() if "bytes" in row]
    return [
        network,
        "".join(compared[:1]),
        *cells,
        keras,
        *(_kilobytes(variants.get(one), "bytes") for one in formats[1:]),
    ]


def _loss(row: dict[str, Any] | None, notes: list[str]) -> str:
    """Change of the score on the validation split: accuracy in points, or the error in percent; and the size."""
    if refusal := _refusal(row, notes):
        return refusal
    assert row is not None
    size = _kilobytes(row, "bytes")
    if row["metric"] == "mae":
        return f"{100 * (row['score'] / row['keras_score'] - 1):+.1f} % mae, {size}"
    return f"{100 * (row['score'] - row['keras_score']):+.1f} points, {size}"


def _time_cells(network: str, variants: dict[str, Any]) -> list[str]:
    onnx = variants.get("onnx", {}).get("latency_ms")
    litert = variants.get("litert", {}).get("latency_ms")
    keras = next((one for one in (onnx, litert) if one and "keras" in one), None)
    cells = [_milliseconds(keras, one) for one in (*PUBLIC_WAYS, *TRACED_WAY)]
    cells += [_milliseconds(one, "file") for one in (onnx, litert)]
    ratios = [_ratio(onnx, ways, "p50") if onnx else None for ways in (PUBLIC_WAYS, TRACED_WAY)]
    return [network, *cells, *("" if one is None else f"{one:.1f}" for one in ratios)]


def _refusal(row: dict[str, Any] | None, notes: list[str]) -> str:
    if row is None:
        return "not tried"
    if "reason" not in row:
        return ""
    if row["reason"] not in notes:
        notes.append(row["reason"])
    return f"no ({notes.index(row['reason']) + 1})"


def _kilobytes(row: dict[str, Any] | None, key: str) -> str:
    return f"{row[key] / 1000:,.0f}" if row and key in row else ""


def _milliseconds(latency: dict[str, Any] | None, way: str) -> str:
    return f"{latency[way]['p50']:.2f} / {latency[way]['p99']:.2f}" if latency and way in latency else ""


if __name__ == "__main__":
    main()
