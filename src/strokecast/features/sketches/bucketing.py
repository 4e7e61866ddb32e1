"""Length buckets of padded drawings: the boundaries given in `params.yaml`, or chosen from the training lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

MAX_BUCKETS = 5
STEP = 8  # points; chosen boundaries are multiples of it
LONGEST = 250  # points; longer training drawings are outliers and do not extend the last boundary
OUTLIER_BOUNDARY = 200  # points; the last boundary if there are outliers


def resolve_boundaries(
    setting: Literal["auto"] | Sequence[int], lengths: Mapping[int, int]
) -> tuple[int, ...]:
    """The bucket boundaries that `bucket_boundaries` of `params.yaml` stands for.

    Args:
        setting: "auto", or the boundaries themselves.
        lengths: number of points → number of training drawings; other splits must not be counted.
    """
    return choose_boundaries(lengths) if setting == "auto" else tuple(setting)


def choose_boundaries(lengths: Mapping[int, int], max_buckets: int = MAX_BUCKETS) -> tuple[int, ...]:
    """The at most `max_buckets` boundaries with the fewest padded points over the training drawings.

    Candidates are the training lengths, rounded up to multiples of `STEP`. The last boundary is the largest candidate,
    so that every training drawing fits. If the longest training drawing has more than `LONGEST` points, the last
    boundary is `OUTLIER_BOUNDARY`, and longer drawings, which are cropped or left out, do not count. The minimum is
    exact (dynamic programming over the sorted candidates). Of equal choices the one with the fewest buckets is taken,
    and then the one with the smallest boundaries.

    Args:
        lengths: number of points → number of training drawings; not empty.
        max_buckets: 1 or more.

    Returns:
        Boundaries in points, rising.
    """
    last = OUTLIER_BOUNDARY if max(lengths) > LONGEST else _round_up(max(lengths))
    counts: Counter[int] = Counter()
    for length, count in lengths.items():
        if length <= last:
            counts[_round_up(length)] += count
    counts[last] += 0  # always a candidate
    candidates = sorted(counts)
    # All padding within a candidate is the same for every choice, so only candidate lengths are compared.
    best: dict[int, tuple[int, int, tuple[int, ...]]] = {
        0: (0, 0, ())
    }  # boundary → padding, buckets, boundaries
    solutions = []
    for _ in range(max_buckets):
        best = {
            boundary: min(
                (
                    padding + _padding(counts, previous, boundary),
                    buckets + 1,
                    (*boundaries, boundary),
                )
                for previous, (padding, buckets, boundaries) in best.items()
                if previous < boundary
            )
            for boundary in candidates
            if any(previous < boundary for previous in best)
        }
        if last not in best:
            break
        solutions.append(best[last])
    return min(solutions)[2]


def _padding(counts: Mapping[int, int], previous: int, boundary: int) -> int:
    """Padded points of the drawings longer than `previous` if their bucket ends at `boundary`."""
    return sum(
        count * (boundary - length) for length, count in counts.items() if previous < length <= boundary
    )


def _round_up(length: int) -> int:
    return -(-length // STEP) * STEP
