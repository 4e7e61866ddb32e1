"""Drift tests: do two profiles of a feature come from the same distribution?

Numbers are compared by the two-sample Kolmogorov-Smirnov test, categories (strings) by the
chi-squared test of homogeneity. The p-values of one comparison are adjusted together (Benjamini and
Hochberg 1995). With many rows every difference is significant, so the effect size (KS distance,
Cramer's V) matters too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.profiles import N_LEVELS, NUMBERS, Profile, ReferenceProfile


def compare_profiles(a_profile: Profile, b_profile: Profile, alpha: float = 0.01) -> list[dict[str, Any]]:
    """Compare the features that both profiles have.

    Args:
        a_profile: from `build_profile`.
        b_profile: from `build_profile`.
        alpha: false discovery rate over the features of this comparison.

    Returns:
        Per common feature, in the order of `a_profile`: `{"feature", "test" ("ks" | "chi2" |
        "none": of different kinds, or one is empty), "statistic", "effect" (KS distance or
        Cramer's V, 0 to 1), "p", "p_adjusted", "drifted" (p_adjusted < alpha), "a", "b"}`. `a` and
        `b` are medians, or the category whose share differs most, with its share.
    """
    rows = [
        {"feature": name, **_test(a_profile[name], b_profile[name])}
        for name in a_profile
        if name in b_profile
    ]
    tested = [row for row in rows if row["test"] != "none"]
    for row, p_adjusted in zip(tested, _adjust([row["p"] for row in tested]), strict=True):
        row["p_adjusted"] = p_adjusted
        row["drifted"] = bool(p_adjusted < alpha)
    return rows


def drift_report(
    profiles: Mapping[str, Profile],
    alpha: float,
    reference: ReferenceProfile | None = None,
    overall: Profile | None = None,
) -> dict[str, Any]:
    """The entry `drift` of a report: the first split against each later one, and all rows against the reference.

    Args:
        profiles: split → profile, in order; the others are compared with the first one (train).
        alpha: false discovery rate of each comparison.
        reference: from `read_reference`; None: no comparison.
        overall: profile of all rows, for the comparison with the reference.
    """
    names = list(profiles)
    comparisons = [
        {"a": names[0], "b": name, "features": compare_profiles(profiles[names[0]], profiles[name], alpha)}
        for name in names[1:]
    ]
    if reference is not None and overall is not None:
        features = compare_profiles(reference.profile, overall, alpha)
        comparisons.append({"a": reference.name, "b": "all rows", "features": features})
    return {"alpha": alpha, "correction": "benjamini-hochberg", "comparisons": comparisons}


def _adjust(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted by Benjamini and Hochberg."""
    from scipy import stats

    return [float(p) for p in stats.false_discovery_control(p_values)] if len(p_values) else []


def _test(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "test": "none", "statistic": None, "effect": None, "p": None, "p_adjusted": None, "drifted": False
    }  # fmt: skip
    if a["kind"] != b["kind"] or not a["count"] or not b["count"]:
        return result
    if a["kind"] == NUMBERS:
        distance, p = _kolmogorov_smirnov(a, b)
        result |= {"test": "ks", "statistic": distance, "effect": distance, "p": p}
        return result | {"a": _median(a), "b": _median(b)}
    statistic, effect, p, category = _chi_squared(a, b)
    result |= {"test": "chi2", "statistic": statistic, "effect": effect, "p": p}
    return result | {
        side: f"{category}: {feature['counts'].get(category, 0) / feature['count']:.4g}"
        for side, feature in (("a", a), ("b", b))
    }


def _cdf(feature: Mapping[str, Any], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The CDF at `points`: a step function if the profile is exact, else linear interpolation."""
    values = np.asarray(feature["values"], dtype=np.float64)
    cdf = np.asarray(feature["cdf"], dtype=np.float64)
    if not feature["exact"]:
        return np.interp(points, values, cdf, left=0.0, right=1.0)
    return np.concatenate([[0.0], cdf])[np.searchsorted(values, points, side="right")]


def _kolmogorov_smirnov(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float, float]:
    """Distance and asymptotic two-sided p-value (Hodges 1958, as `scipy.stats.ks_2samp`)."""
    from scipy import stats

    points = np.union1d(np.asarray(a["values"], dtype=np.float64), np.asarray(b["values"], dtype=np.float64))
    distance = float(np.abs(_cdf(a, points) - _cdf(b, points)).max())
    if not (a["exact"] and b["exact"]):  # subtract the largest error of the interpolation
        distance = max(0.0, distance - 1.0 / (N_LEVELS - 1))
    n, m = sorted((int(a["effective"]), int(b["effective"])))
    p = float(stats.kstwo.sf(distance, max(1, round(n * m / (n + m)))))
    # The exact p-value of two small, fully separated samples is a lower bound.
    min_p = 2.0 / math.comb(n + m, n) if n + m < 60 else 0.0
    return round(distance, 9), max(p, min_p)


def _chi_squared(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float, float, float, str]:
    """Statistic, Cramer's V, p-value, and the category whose share differs most."""
    from scipy import stats

    names = sorted({*a["counts"], *b["counts"]})
    table = np.array([[side["counts"].get(name, 0) for name in names] for side in (a, b)], dtype=np.float64)
    shares = table / table.sum(axis=1, keepdims=True)
    largest_difference = names[int(np.abs(shares[0] - shares[1]).argmax())]
    if len(names) < 2:
        return 0.0, 0.0, 1.0, largest_difference
    sizes = np.array([[a["effective"]], [b["effective"]]], dtype=np.float64)
    statistic, p, _, _ = stats.chi2_contingency(shares * sizes, correction=False)
    cramers_v = math.sqrt(float(statistic) / float(sizes.sum()))
    return float(statistic), cramers_v, float(p), largest_difference


def _median(feature: Mapping[str, Any]) -> float:
    position = int(np.searchsorted(np.asarray(feature["cdf"]), 0.5 - 1e-12))
    return float(feature["values"][min(position, len(feature["values"]) - 1)])
