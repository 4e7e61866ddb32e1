"""Runs models in environments of their own: does the candidate answer, how fast, and how good is the champion today?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from strokecast.evaluation.promotion import environments, raw_inputs
from strokecast.evaluation.promotion.environments import Answer, EnvironmentFailedError, Run
from strokecast.evaluation.promotion.gate import Check, check_environment, check_latency
from strokecast.evaluation.promotion.scores import TestScores, labelled_scores

MAX_RESCORED = 2000  # test examples; more are sampled evenly
_TIMED = 10  # calls whose median counts
_WARM_UP = 2  # calls before them
_BATCH = 100  # drawings per call


class IncomparableError(Exception):
    """The champion cannot be scored on the present test set; the reason in one line."""


def spaced(examples: Sequence[str], count: int) -> list[str]:
    """At most `count` of the examples, evenly spaced."""
    rows = np.linspace(0, len(examples) - 1, min(count, len(examples))).round().astype(int)
    return [examples[row] for row in rows]


def check_answers(
    model_dir: Path, scores: TestScores, spec: Mapping[str, Any], max_latency_ms: float, run: Run
) -> list[Check]:
    """Load the candidate in an environment of its own, and time it on test examples.

    Args:
        model_dir: its saved pyfunc.
        scores: of the candidate; some of its examples are the input.
        spec: of its data.
        max_latency_ms: limit of the median, per example.
        run: runs a model; `environments.run` but for tests.

    Returns:
        The checks of environment and latency.
    """
    examples = spaced(list(scores.by_example().index), _TIMED + _WARM_UP)
    requests = raw_inputs.single_requests(scores.task, spec, examples)
    packages = len(environments.requirements(model_dir))
    start = time.monotonic()
    try:
        answers = run(model_dir, requests)
        error = _problem(answers)
    except EnvironmentFailedError as failure:
        answers, error = [], str(failure)
    seconds = time.monotonic() - start
    timed = [] if error else [1000 * answer.seconds for answer in answers[1 + _WARM_UP :]]
    return [check_environment(error, packages, seconds), check_latency(timed, max_latency_ms)]


def _problem(answers: Sequence[Answer]) -> str | None:
    """Why the answers are none; None if they are tables of finite numbers."""
    for answer in answers:
        numbers = answer.table.select_dtypes("number")
        if answer.table.empty or not np.isfinite(numbers.to_numpy(dtype=np.float64)).all():
            return "the model's answer is empty or not finite"
    return None


def rescore(model_dir: Path, candidate: TestScores, spec: Mapping[str, Any], run: Run) -> TestScores:
    """Score a registered model on the test set of the candidate, or on an even sample of it.

    Args:
        model_dir: saved pyfunc of the registered model.
        candidate: scores of the candidate.
        spec: of the registered model's data.
        run: runs a model; `environments.run` but for tests.

    Returns:
        The scores of the registered model; their examples are those of `candidate.select(...)` of them.

    Raises:
        IncomparableError: if the model does not answer, or not the same question.
    """
    chosen = candidate.select(spaced(list(candidate.by_example().index), MAX_RESCORED))
    examples = list(chosen.by_example().index)
    try:
        if candidate.task == "forecast":
            answers = run(model_dir, list(raw_inputs.histories(examples, spec)))[1:]  # type: ignore[arg-type]
            return replace(chosen, table=_forecast_scores(chosen.table, examples, answers, spec))
        if candidate.task == "draw":
            raise IncomparableError("drawings are generated and judged by the evaluation alone")
        rows = raw_inputs.drawings(examples)
        batches = [rows.iloc[first : first + _BATCH] for first in range(0, len(rows), _BATCH)]
        labels = [label for answer in run(model_dir, batches)[1:] for label in answer.table["label"]]
    except EnvironmentFailedError as failure:
        raise IncomparableError(str(failure)) from None
    table = labelled_scores(examples, chosen.table["truth"].tolist(), labels)
    return replace(chosen, table=chosen.table.assign(score=table["score"]))


def _forecast_scores(
    table: pd.DataFrame, examples: Sequence[str], answers: Sequence[Answer], spec: Mapping[str, Any]
) -> pd.DataFrame:
    """The table with the absolute errors of other forecasts, one answer per example."""
    horizon = table["day"].astype(int).max()
    if spec["horizon"] < horizon:
        raise IncomparableError(f"it forecasts {spec['horizon']} days, and the candidate {horizon}")
    points = {
        example: answer.table["median" if "median" in answer.table else "mean"].to_numpy(dtype=np.float64)
        for example, answer in zip(examples, answers, strict=True)
    }
    forecast = [
        points[example][int(day) - 1] for example, day in zip(table["example"], table["day"], strict=True)
    ]
    return table.assign(score=np.abs(np.array(forecast) - table["truth"].astype(float).to_numpy()))
