"""Exports every trained network of a project in every format and writes the table of `docs/guide/export.md`.

Run it in a project with finished trainings, after `uv pip install -e '.[export]'`:

    python benchmarks/export.py --record export.jsonl --write docs/guide/export.md

Networks that the record has are not exported again. Each network runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TASKS = ("forecast", "classify", "watch")
VARIANTS = ("onnx", "litert", "saved_model", "litert-dynamic")
START, END = "<!-- export table: benchmarks/export.py -->", "<!-- end -->"


def main() -> None:
    """Export what the record lacks, then write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--record", type=Path, required=True, help="JSON lines, one per network and variant")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the table")
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--examples", type=int, default=1000, help="validation examples per network")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _export(options)
        return
    from strokecast.models.common import registry

    for task in TASKS:
        for name in registry.names(task):
            if (Path("models") / task / name).is_dir():
                _start(options, f"{task}/{name}")
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, after = text.split(START)[0], text.split(END, 1)[1]
        table = _table(_read(options.record))
        options.write.write_text(f"{before}{START}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def _start(options: argparse.Namespace, network: str) -> None:
    """Export one network in a new process: a converter that fails may end its process."""
    known = {row["variant"] for row in _read(options.record) if row["network"] == network}
    for variant in options.variants:
        if variant in known:
            continue
        missing = [one for one in options.variants if one not in known]
        command = [sys.executable, __file__, "--record", str(options.record), "--one", network]
        command += ["--examples", str(options.examples), "--variants", *missing]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        known = {row["variant"] for row in _read(options.record) if row["network"] == network}
        if variant not in known:
            _append(options.record, network, variant, {"reason": "the converter ended its process"})
            known.add(variant)


def _export(options: argparse.Namespace) -> None:
    from strokecast.common.errors import UserError
    from strokecast.serving import export

    task, name = options.one.split("/")
    for variant in options.variants:
        if reason := export.reason_against(task, name):
            _append(options.record, options.one, variant, {"reason": reason})
            continue
        file_format, _, quantize = variant.partition("-")
        folder, processed = Path("models") / task / name / "seed-1", Path("data/processed") / task
        with tempfile.TemporaryDirectory() as output:
            try:
                result = export.export(
                    folder, processed, file_format, quantize, Path(output) / "export", options.examples
                )
            except UserError as error:
                result = {"reason": error.what}
        _append(options.record, options.one, variant, result)


def _append(record: Path, network: str, variant: str, result: dict[str, Any]) -> None:
    keys = (
        "largest_difference",
        "score",
        "keras_score",
        "metric",
        "bytes",
        "latency_ms",
        "examples",
        "reason",
    )
    row = {"network": network, "variant": variant, **{key: result[key] for key in keys if key in result}}
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _read(record: Path) -> list[dict[str, Any]]:
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def _table(rows: list[dict[str, Any]]) -> str:
    networks: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        networks.setdefault(row["network"], {})[row["variant"]] = row
    reasons: list[str] = []
    lines = [
        "| network | saved_model | onnx | litert | dynamic | Keras, ms | `tf.function`, ms | onnx, ms | litert, ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for network, variants in sorted(networks.items()):
        cells = [_difference(variants.get(one), reasons) for one in ("saved_model", "onnx", "litert")]
        cells.append(_loss(variants.get("litert-dynamic"), reasons))
        timed = next((row for row in variants.values() if "latency_ms" in row), None)
        cells += [_milliseconds(timed, one) for one in ("keras", "keras_function")]
        cells += [_milliseconds(variants.get(one), "file") for one in ("onnx", "litert")]
        lines.append(f"| {network} | {' | '.join(cells)} |")
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n".join([*lines, "", *notes])


def _difference(row: dict[str, Any] | None, reasons: list[str]) -> str:
    return _refusal(row, reasons) or f"{row['largest_difference']:.1e}"  # type: ignore[index]


def _loss(row: dict[str, Any] | None, reasons: list[str]) -> str:
    """Change of the score on the validation split: accuracy in points, or the error in percent."""
    if refusal := _refusal(row, reasons):
        return refusal
    assert row is not None
    if row["metric"] == "mae":
        return f"{100 * (row['score'] / row['keras_score'] - 1):+.2f} % mae"
    return f"{100 * (row['score'] - row['keras_score']):+.1f} points"


def _refusal(row: dict[str, Any] | None, reasons: list[str]) -> str:
    if row is None:
        return "not tried"
    if "reason" not in row:
        return ""
    if row["reason"] not in reasons:
        reasons.append(row["reason"])
    return f"no ({reasons.index(row['reason']) + 1})"


def _milliseconds(row: dict[str, Any] | None, run: str) -> str:
    return f"{row['latency_ms'][run]['p50']:.2f}" if row and "latency_ms" in row else ""


if __name__ == "__main__":
    main()
