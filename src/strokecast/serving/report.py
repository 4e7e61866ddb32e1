"""The report beside an exported file, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RUNS = {
    "file": "exported file, 1 thread",
    "keras": "Keras, called as it is",
    "keras_function": "Keras in a `tf.function`",
}


def markdown(contents: Mapping[str, Any]) -> str:
    """The report.

    Args:
        contents: of export.json.
    """
    variant = "" if contents["quantize"] == "none" else f", quantized: {contents['quantize']}"
    lines = [
        f"# {contents['file']}",
        "",
        f"Task {contents['task']}, format {contents['format']}{variant}, {contents['bytes']:,} bytes "
        f"(model.keras: {contents['keras_bytes']:,}).",
        "",
        "| input | type | shape | content |",
        "| --- | --- | --- | --- |",
    ]
    for name, one in contents["inputs"].items():
        shape = ", ".join("any" if size is None else str(size) for size in one["shape"])
        lines.append(f"| `{name}` | {one['dtype']} | [{shape}] | {one['meaning']} |")
    lines += ["", f"Output `{contents['output']['name']}`: {contents['output']['meaning']}.", ""]
    if contents["classes"]:
        lines += [f"Classes, in order: {', '.join(contents['classes'])}.", ""]
    lines += [*(f"- {note}" for note in contents["notes"]), ""]
    lines += [
        "## Compared with Keras",
        "",
        f"{contents['examples']:,} examples of the validation split: the largest difference is "
        f"{contents['largest_difference']:.2g}; {contents['metric']} {contents['score']:.4g} "
        f"(Keras: {contents['keras_score']:.4g}). Differences of values above 1 are shares of the largest value.",
        "",
        "| one example, ms | p50 | p99 |",
        "| --- | ---: | ---: |",
    ]
    for name, label in _RUNS.items():
        latency = contents["latency_ms"][name]
        lines.append(f"| {label} | {latency['p50']:.2f} | {latency['p99']:.2f} |")
    return "\n".join([*lines, ""])
