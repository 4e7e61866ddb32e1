"""The model card that goes with every registered version, in Markdown (Mitchell et al. 2019, "Model cards for model reporting")."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strokecast.evaluation.common.tables import escape_markdown, format_number, to_markdown
from strokecast.evaluation.promotion.gate import Check
from strokecast.evaluation.promotion.scores import TestScores

FILE = "model_card.md"
_USE = {
    "classify": "Names the class of a drawing that is given as pen strokes.",
    "watch": "Names the class of a drawing while it is drawn, from video frames rendered from its strokes.",
    "draw": "Draws a picture of a requested class as pen strokes.",
    "forecast": "Forecasts the days after the last day of a daily series, with intervals.",
}
_LIMITS = {
    "classify": (
        "Every drawing gets one of the classes below; the probabilities do not show that a drawing belongs to none.",
        "Drawings have to come in the units of the training data, with dy positive downwards.",
    ),
    "draw": (
        "It draws the classes below and no others.",
        "Recognition was judged by a classifier of this project, not by people.",
    ),
    "forecast": (
        "It knows the past of the series and the calendar, and no other cause of a change.",
        "Series of another kind, unit or level than that of the training need a training of their own.",
        "Intervals hold as long as errors stay as large as on the days that calibrated them.",
    ),
}
_METRICS = (
    *("accuracy", "top5", "macro_f1", "log_loss", "ece", "recognised", "nll"),
    *("mae", "mase", "rmse", "bias", "crps", "coverage_80"),
)
_EXAMPLES = {
    "classify": '{"strokes": [[[60, 0, 0], [0, 60, 0], [-60, 0, 0], [0, -60, 1]]]}',
    "draw": '{"class": ["<class>"], "temperature": [0.3], "n": [2]}',
}


@dataclass(frozen=True)
class CardFacts:
    """What a card is made from.

    Attributes:
        run: `run.json` of the training.
        spec: `spec.json` of its data.
        source: `source.json` of the raw data: source, attribution and licence.
        metrics: test metrics of the training, `test/<name>` → value.
        scores: per test example.
        checks: outcomes of the gate.
        reason: why it was promoted although a check failed; "" if none failed.
        registered_name: name of the registered model.
        tracking_uri: of the board, relative to the project.
    """

    run: Mapping[str, Any]
    spec: Mapping[str, Any]
    source: Mapping[str, Any]
    metrics: Mapping[str, float]
    scores: TestScores
    checks: Sequence[Check]
    reason: str
    registered_name: str
    tracking_uri: str


def write_card(facts: CardFacts) -> str:
    """The card as Markdown."""
    run, task = facts.run, facts.run["task"]
    sections = [
        f"# {run['name']}, champion of {task}\n",
        _training(run),
        f"## Intended use\n\n{_USE[task]}\n",
        _data(facts),
        _metrics(facts),
        _slices(facts.scores),
        _gate(facts.checks, facts.reason),
        _limits(facts),
        _load(facts),
    ]
    return "\n".join(section for section in sections if section)


def _training(run: Mapping[str, Any]) -> str:
    ended = datetime.datetime.fromtimestamp(run["ended_ms"] / 1000, datetime.UTC)
    size = f", {run['parameters']:,} parameters" if run.get("parameters") is not None else ""
    commit = f", git {run['git_commit'][:12]}" if run.get("git_commit") else ""
    if "weights" in run:
        weights = [
            f"{escape_markdown(series) + ': ' if series else ''}"
            + ", ".join(f"`{member}` {weight:.3g}" for member, weight in members.items())
            for series, members in run["weights"].items()
        ]
        return (
            f"Weighted mean of trained forecasters, the last of {ended:%Y-%m-%d}{commit}, chosen on validation origins: "
            f"{'; '.join(weights)}.\n"
        )
    return (
        f"Architecture `{run['name']}` ({run['kind']}{size}), seed {run['seed']}, trained on {ended:%Y-%m-%d}{commit}.\n"
        f"Training `{run['training_id']}`.\n"
    )


def _data(facts: CardFacts) -> str:
    source, spec = facts.source, facts.spec
    name = spec.get("name") or source["source"]
    lines = [f"- source: {escape_markdown(str(name))} (`{source['source']}`)"]
    for key in ("attribution", "licence"):
        value = source.get(key)
        lines.append(f"- {key}: {escape_markdown(str(value)) if value else 'none stated by the source'}")
    if "splits" in spec:
        spans = [f"{split} {days['first']} to {days['last']}" for split, days in spec["splits"].items()]
        lines.append(f"- days: {', '.join(spans)}")
    else:
        counts = [
            f"{split} {sum(count.values()) if isinstance(count, Mapping) else count:,}"
            for split, count in spec["counts"].items()
        ]
        lines.append(f"- drawings: {', '.join(counts)}")
    lines.append(f"- digest of the prepared data: `{facts.run['dataset']['digest']}`")
    return "## Data\n\n" + "\n".join(lines) + "\n"


def _metrics(facts: CardFacts) -> str:
    rows = [
        (name, format_number(facts.metrics[f"test/{name}"]))
        for name in _METRICS
        if facts.metrics.get(f"test/{name}") is not None
    ]
    unit = str(facts.spec.get("unit") or "")
    note = f"\nErrors are in {escape_markdown(unit)}.\n" if unit else ""
    return f"## Test results\n\n{to_markdown(('metric', 'value'), rows)}{note}"


def _slices(scores: TestScores) -> str:
    values = scores.table["score"].to_numpy()
    rows = [
        (name, f"{int(mask.sum()):,}", format_number(float(values[mask].mean())))
        for name, mask in scores.slices().items()
    ]
    if not rows:
        return ""
    return f"## Test {scores.metric} by slice\n\n" + to_markdown(("slice", "n", scores.metric), rows)


def _gate(checks: Sequence[Check], reason: str) -> str:
    lines = [
        f"- {'passed' if check.passed else 'overridden'}: {check.name}: {escape_markdown(check.figures)}"
        for check in checks
    ]
    note = f"\nReason given: {escape_markdown(reason)}\n" if reason else ""
    return "## Gate\n\n" + "\n".join(lines) + "\n" + note


def _limits(facts: CardFacts) -> str:
    task, spec = facts.run["task"], facts.spec
    lines = [f"- {line}" for line in _LIMITS["classify" if task == "watch" else task]]
    if "classes" in spec:
        lines.append(f"- classes: {', '.join(escape_markdown(name) for name in spec['classes'])}")
    if "horizon" in spec:
        lines.append(f"- horizon: {spec['horizon']} days, from {spec['input_size']} or more days of history")
    return "## Limits\n\n" + "\n".join(lines) + "\n"


def _load(facts: CardFacts) -> str:
    task = facts.run["task"]
    table = (
        'pd.read_csv("history.csv")'
        if task == "forecast"
        else f"pd.DataFrame({_EXAMPLES['draw' if task == 'draw' else 'classify']})"
    )
    return (
        "## How to load\n\n```python\n"
        "import mlflow\nimport pandas as pd\n\n"
        f'mlflow.set_tracking_uri("{facts.tracking_uri}")\n'
        f'model = mlflow.pyfunc.load_model("models:/{facts.registered_name}@champion")\n'
        f"print(model.predict({table}))\n"
        "```\n"
    )
