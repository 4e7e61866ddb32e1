"""The checks that a candidate passes before it becomes the champion of its task. No files, no MLflow.

Gains are positive where the candidate is better: more accuracy, or less error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from strokecast.evaluation.common.bootstrap import (
    BootstrapSettings,
    Floats,
    block_length,
    bootstrap_means,
    paired_differences,
)
from strokecast.evaluation.common.tables import format_number
from strokecast.evaluation.promotion.scores import TestScores

FLOOR, CHAMPION, SLICES, ENVIRONMENT, LATENCY = "floor", "champion", "slices", "environment", "latency"
_SHOWN_SLICES = 5


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: of the check.
        passed: whether the candidate passed.
        figures: what was measured and what is asked, in one line.
    """

    name: str
    passed: bool
    figures: str

    @property
    def line(self) -> str:
        """The outcome as a line for the terminal."""
        return f"{'pass' if self.passed else 'FAIL'}  {self.name}: {self.figures}"


@dataclass(frozen=True)
class SliceChange:
    """How a slice changes if the candidate replaces the champion.

    Attributes:
        name: dimension and name, such as `class apple`.
        count: test examples or forecast days in it.
        candidate: mean score of the candidate.
        champion: mean score of the champion.
        loss: accuracy that is lost, or the rise of the error as a share of the champion's; negative: a gain.
    """

    name: str
    count: int
    candidate: float
    champion: float
    loss: float


def check_floor(metric: str, value: float | None, limit: float, higher_is_better: bool) -> Check:
    """Whether the test score reaches an absolute limit.

    Args:
        metric: name of the score.
        value: of the candidate; None: undefined.
        limit: from params.yaml.
        higher_is_better: whether the limit is the lowest or the highest allowed score.
    """
    asked = f"at {'least' if higher_is_better else 'most'} {limit:g} is asked"
    if value is None:
        return Check(FLOOR, False, f"test {metric} is undefined, {asked}")
    passed = value >= limit if higher_is_better else value <= limit
    return Check(FLOOR, passed, f"test {metric} {format_number(value)}, {asked}")


def check_difference(
    candidate: TestScores, champion: TestScores | None, label: str, settings: BootstrapSettings
) -> Check:
    """Whether the paired interval of the gain over the champion lies above 0.

    Args:
        candidate: scores of the candidate.
        champion: scores on the same test set; None: there is no champion yet.
        label: of the champion.
        settings: of the bootstrap.
    """
    if champion is None:
        return Check(CHAMPION, True, "there is no champion yet")
    gain, low, high = paired_gain(candidate, champion, settings)
    level = f"{100 * settings.level:g} %"
    return Check(
        CHAMPION,
        low > 0,
        f"{candidate.metric} {format_number(candidate.value)}, {label} has {format_number(champion.value)}: gain "
        f"{format_number(gain)} ({level} interval {format_number(low)} to {format_number(high)}) over "
        f"{len(candidate.by_example()):,} test examples; an interval above 0 is asked",
    )


def paired_gain(
    candidate: TestScores, champion: TestScores, settings: BootstrapSettings
) -> tuple[float, float, float]:
    """Gain of the mean score over the champion, with the ends of its paired interval.

    Raises:
        ValueError: if the two were scored on different examples.
    """
    ours, theirs = candidate.by_example(), champion.by_example()
    if list(ours.index) != list(theirs.index):
        raise ValueError("the scores are not of the same examples")
    values: Floats = np.stack([ours.to_numpy(np.float64), theirs.to_numpy(np.float64)])  # [2, N]
    if not candidate.higher_is_better:
        values = -values
    block = block_length(settings.block, values.shape[1])
    means = bootstrap_means(values, settings.resamples, settings.seed, block)
    (pair,) = paired_differences(["candidate", "champion"], values, means, settings.level)
    return pair.difference, pair.low, pair.high


def slice_changes(candidate: TestScores, champion: TestScores, min_examples: int = 1) -> list[SliceChange]:
    """The change of every slice with at least `min_examples` rows, the largest loss first."""
    changes = []
    for name, mask in candidate.slices().items():
        count = int(mask.sum())
        if count < min_examples:
            continue
        ours, theirs = (float(side.table["score"].to_numpy()[mask].mean()) for side in (candidate, champion))
        if candidate.higher_is_better:
            loss = theirs - ours
        else:
            loss = (ours - theirs) / theirs if theirs > 0 else float(np.inf) * (ours > theirs or 0)
        changes.append(SliceChange(name, count, ours, theirs, 0.0 if np.isnan(loss) else loss))
    return sorted(changes, key=lambda change: -change.loss)


def check_slices(
    candidate: TestScores, champion: TestScores | None, limit: float, min_examples: int
) -> Check:
    """Whether no slice loses more than `limit`.

    Args:
        candidate: scores of the candidate.
        champion: scores on the same test set; None: there is no champion yet.
        limit: accuracy, or share of the champion's error.
        min_examples: smaller slices are not looked at.
    """
    if champion is None:
        return Check(SLICES, True, "there is no champion yet")
    changes = slice_changes(candidate, champion, min_examples)
    if not changes:
        return Check(SLICES, True, f"no slice has {min_examples} test examples")
    unit = f"of {candidate.metric}" if candidate.higher_is_better else "of the champion's error"
    worse = [change for change in changes if change.loss > limit]
    shown = worse[:_SHOWN_SLICES] or changes[:1]
    listed = ", ".join(
        f"{one.name} {format_number(one.champion)} -> {format_number(one.candidate)}" for one in shown
    )
    more = f" and {len(worse) - len(shown)} more" if len(worse) > len(shown) else ""
    lead = f"{len(worse)} of {len(changes)} slices lose" if worse else f"no slice of {len(changes)} loses"
    worst = "" if worse else "largest change "
    return Check(SLICES, not worse, f"{lead} more than {limit:g} {unit}: {worst}{listed}{more}")


def check_environment(error: str | None, packages: int, seconds: float) -> Check:
    """Whether the model loaded and answered in an environment made from its own requirements.

    Args:
        error: why not; None: it did.
        packages: number of its requirements.
        seconds: that making the environment and answering took.
    """
    if error is not None:
        return Check(ENVIRONMENT, False, error)
    return Check(
        ENVIRONMENT,
        True,
        f"loads and answers in an environment of its {packages} requirements ({seconds:.0f} s)",
    )


def check_latency(milliseconds: Sequence[float], limit: float) -> Check:
    """Whether the median time per example is within the limit.

    Args:
        milliseconds: per call with one example.
        limit: milliseconds.
    """
    if not milliseconds:
        return Check(LATENCY, False, "not measured: the model does not answer")
    median = float(np.median(milliseconds))
    return Check(
        LATENCY,
        median <= limit,
        f"{format_number(median)} ms per example (median of {len(milliseconds)}), at most {limit:g} ms is asked",
    )
