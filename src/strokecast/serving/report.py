"""The report beside an exported file, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RUNS = {
    "file": "exported file, 1 thread",
    "keras": "Keras, `model(x)`",
    "keras_predict": "Keras, `model.predict(x)`",
    "keras_function": "Keras, `model(x)` in a `tf.function`",
}
_METRICS = {"accuracy": "Accuracy", "mae": "Mean absolute error"}


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
        f"Largest difference over {contents['compared_examples']:,} real examples of the validation and training splits: "
        f"{contents['largest_difference']:.2g}. Differences of values above 1 are shares of the largest value.",
        "",
        f"{_METRICS[contents['metric']]} on {contents['scored_examples']:,} examples of the validation split: "
        f"{contents['score']:.4g} (Keras: {contents['keras_score']:.4g}).",
        "",
        "| one example, ms | p50 | p99 |",
        "| --- | ---: | ---: |",
    ]
    for name, latency in contents["latency_ms"].items():
        lines.append(f"| {_RUNS[name]} | {latency['p50']:.2f} | {latency['p99']:.2f} |")
    return "\n".join([*lines, ""])
