"""Drift: do two samples of a feature come from one distribution? Told from compact profiles alone.

A profile keeps, for each feature, how many values there were and their empirical distribution:
whole where there are few distinct values, else at `LEVELS` quantiles (the error of the distribution
function is below 1 / (LEVELS - 1)). So a `report.json` of last year suffices to judge new data. Of
very many rows it is the profile of a sample.

Numbers are compared by the two-sample Kolmogorov-Smirnov test, categories (texts) by the chi-squared
test of homogeneity. p-values of one comparison are corrected together by Benjamini and Hochberg
(1995). With many rows everything is significant: look at the effect (KS distance, Cramer's V).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from strokecast.common import files
from strokecast.common.errors import UserError

LEVELS = 257  # points of a distribution that a profile keeps
NUMBERS, CATEGORIES = "numbers", "categories"
KEY = "params.yaml: quality.reference"

Profile = dict[str, Any]


def profile(
    values: Mapping[str, NDArray[Any]], weights: Mapping[str, float] | None = None, seen: int | None = None
) -> Profile:
    """The compact profile of some features; JSON as it is.

    Args:
        values: feature → values [n], numbers (NaN and infinities are left out and counted as
            `missing`) or texts (categories).
        weights: feature → share of the values that counts as independent (0 to 1); 1 by default.
            `independent_share` estimates it for a time series.
        seen: how many rows there were, if the values are a sample of them (`quality.sample`).

    Returns:
        feature → `{"kind": "numbers", "count", "missing", "effective", "exact", "values", "cdf"}`
        or `{"kind": "categories", "count", "missing", "effective", "counts"}`, and `sample_of`: `seen`
        where that is more than the values. Tests then go by the size of the sample.
    """
    return {
        name: _profile(np.asarray(found), float((weights or {}).get(name, 1.0)))
        | ({"sample_of": seen} if seen is not None and seen > len(found) else {})
        for name, found in values.items()
    }


def _profile(found: NDArray[Any], weight: float) -> dict[str, Any]:
    if found.dtype.kind in "OUS":
        present = [str(value) for value in found.tolist() if value is not None and value == value]
        names, counts = np.unique(np.array(present, dtype=object), return_counts=True)
        return {
            "kind": CATEGORIES,
            "count": len(present),
            "missing": len(found) - len(present),
            "effective": _effective(len(present), weight),
            "counts": dict(zip(map(str, names.tolist()), counts.tolist(), strict=True)),
        }
    numbers = found.astype(np.float64).ravel()
    whole = len(numbers)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    count = len(numbers)
    distinct, positions = np.unique(numbers, return_index=True)
    upto = np.append(positions[1:], count)  # how many values are at most each distinct one
    exact = len(distinct) <= LEVELS
    if not exact:
        at = np.unique(np.searchsorted(upto, np.linspace(1, count, LEVELS)))
        at = np.unique(np.append(0, np.minimum(at, len(distinct) - 1)))
        distinct, upto = distinct[at], upto[at]
    return {
        "kind": NUMBERS,
        "count": count,
        "missing": whole - count,
        "effective": _effective(count, weight),
        "exact": exact,
        "values": distinct.tolist(),
        "cdf": [round(float(share), 9) for share in upto / max(count, 1)],
    }


def _effective(count: int, weight: float) -> int:
    return max(1, round(count * min(max(weight, 0.0), 1.0))) if count else 0


def independent_share(series: NDArray[np.float64], lags: int = 60) -> float:
    """Share of the values of a stationary series that carry own information: 1 / (1 + 2 sum of rho_k).

    Autocorrelations are added up to the first that is not positive (Geyer 1992, simplified).
    """
    values = series[np.isfinite(series)]
    largest = float(np.abs(values).max()) if len(values) else 0.0
    if len(values) < 3 or largest == 0:
        return 1.0
    values = values / largest  # squares stay finite
    values = values - values.mean()
    power = float(values @ values)
    if not power > 0:
        return 1.0
    total = 0.0
    for lag in range(1, min(lags, len(values) - 1) + 1):
        rho = float(values[:-lag] @ values[lag:]) / power
        if rho <= 0:
            break
        total += rho
    return 1.0 / (1.0 + 2.0 * total)


def compare(a_profile: Profile, b_profile: Profile, alpha: float = 0.01) -> list[dict[str, Any]]:
    """Compare the features that both profiles have.

    Args:
        a_profile: from `profile`.
        b_profile: from `profile`.
        alpha: false discovery rate over the features of this comparison.

    Returns:
        For each common feature, in the order of `a_profile`: `{"feature", "test" ("ks" | "chi2" |
        "none": of different kinds, or one is empty), "statistic", "effect" (KS distance or
        Cramer's V, 0 to 1), "p", "p_adjusted", "drifted" (p_adjusted < alpha), "a", "b"}`; `a` and
        `b` are medians, or the category whose share differs most with that share.
    """
    rows = [
        {"feature": name, **_test(a_profile[name], b_profile[name])}
        for name in a_profile
        if name in b_profile
    ]
    tested = [row for row in rows if row["test"] != "none"]
    for row, adjusted in zip(tested, adjust([row["p"] for row in tested]), strict=True):
        row["p_adjusted"] = adjusted
        row["drifted"] = bool(adjusted < alpha)
    return rows


def adjust(p_values: Sequence[float]) -> list[float]:
    """p-values corrected together by Benjamini and Hochberg."""
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
    statistic, effect, p, name = _chi_squared(a, b)
    result |= {"test": "chi2", "statistic": statistic, "effect": effect, "p": p}
    told = [f"{name}: {one['counts'].get(name, 0) / one['count']:.4g}" for one in (a, b)]
    return result | {"a": told[0], "b": told[1]}


def _cdf(one: Mapping[str, Any], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distribution function at `at`: a staircase where the profile is whole, else straight lines."""
    values, cdf = np.asarray(one["values"], dtype=np.float64), np.asarray(one["cdf"], dtype=np.float64)
    if not one["exact"]:
        return np.interp(at, values, cdf, left=0.0, right=1.0)
    below = np.searchsorted(values, at, side="right")
    return np.concatenate([[0.0], cdf])[below]


def _kolmogorov_smirnov(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float, float]:
    """Distance and asymptotic two-sided p (Hodges 1958, as `scipy.stats.ks_2samp`)."""
    from scipy import stats

    at = np.union1d(np.asarray(a["values"], dtype=np.float64), np.asarray(b["values"], dtype=np.float64))
    distance = float(np.abs(_cdf(a, at) - _cdf(b, at)).max())
    if not (a["exact"] and b["exact"]):  # what the straight lines may have added
        distance = max(0.0, distance - 1.0 / (LEVELS - 1))
    n, m = sorted((int(a["effective"]), int(b["effective"])))
    p = float(stats.kstwo.sf(distance, max(1, round(n * m / (n + m)))))
    least = 2.0 / math.comb(n + m, n) if n + m < 60 else 0.0  # of few values: all of one below the other's
    return round(distance, 9), max(p, least)


def _chi_squared(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[float, float, float, str]:
    """Statistic, Cramer's V, p, and the category whose share differs most."""
    from scipy import stats

    names = sorted({*a["counts"], *b["counts"]})
    table = np.array([[one["counts"].get(name, 0) for name in names] for one in (a, b)], dtype=np.float64)
    shares = table / table.sum(axis=1, keepdims=True)
    furthest = names[int(np.abs(shares[0] - shares[1]).argmax())]
    if len(names) < 2:
        return 0.0, 0.0, 1.0, furthest
    sizes = np.array([[a["effective"]], [b["effective"]]], dtype=np.float64)
    statistic, p, _, _ = stats.chi2_contingency(shares * sizes, correction=False)
    return float(statistic), math.sqrt(float(statistic) / float(sizes.sum())), float(p), furthest


def _median(one: Mapping[str, Any]) -> float:
    at = int(np.searchsorted(np.asarray(one["cdf"]), 0.5 - 1e-12))
    return float(one["values"][min(at, len(one["values"]) - 1)])


def reference(path: str, dataset: str) -> tuple[str, Profile] | None:
    """The named reference profile, if it is one of `dataset`.

    Args:
        path: `quality.reference`: an earlier `report.json`, from the project's root.
        dataset: `sketches` or `series`.

    Returns:
        How the comparison is called, and the profile of all rows; None if the report is of the
        other dataset.

    Raises:
        UserError: if it is missing, no report, or one without a profile.
    """
    place = Path(path).expanduser()
    try:
        report = files.read_json(place)
    except FileNotFoundError:
        raise UserError(f"no such file {path!r}", where=KEY, allowed="an earlier report.json") from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path!r} is no report: {error}", where=KEY, allowed="an earlier report.json"
        ) from None
    if not isinstance(report, dict) or "dataset" not in report:
        raise UserError(f"{path!r} is no report of strokecast", where=KEY, allowed="an earlier report.json")
    if report["dataset"] != dataset:
        return None
    found = report.get("profile")
    if not _is_profile(found):
        raise UserError(
            f"{path!r} carries no profile", where=KEY, fix="validate that data again with this version"
        )
    return f"{report.get('name', report.get('source', 'reference'))} ({place.name})", found


def _is_profile(found: Any) -> TypeGuard[Profile]:
    if not isinstance(found, dict) or not found:
        return False
    needed = {
        NUMBERS: {"count", "effective", "exact", "values", "cdf"},
        CATEGORIES: {"count", "effective", "counts"},
    }
    return all(
        isinstance(one, dict) and needed.get(str(one.get("kind")), {""}) <= set(one) for one in found.values()
    )


def record(
    profiles: Mapping[str, Profile],
    alpha: float,
    against: tuple[str, Profile] | None = None,
    whole: Profile | None = None,
) -> dict[str, Any]:
    """The entry `drift` of a report: the first split with each later one, and all with the reference.

    Args:
        profiles: split → profile, in order; the first one (train) is what the others are held to.
        alpha: false discovery rate of each comparison.
        against: from `reference`.
        whole: profile of all rows, for the comparison with the reference.
    """
    names = list(profiles)
    comparisons = [
        {"a": names[0], "b": name, "features": compare(profiles[names[0]], profiles[name], alpha)}
        for name in names[1:]
    ]
    if against is not None and whole is not None:
        comparisons.append({"a": against[0], "b": "all rows", "features": compare(against[1], whole, alpha)})
    return {"alpha": alpha, "correction": "benjamini-hochberg", "comparisons": comparisons}
