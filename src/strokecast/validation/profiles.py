"""Compact profiles of feature distributions, stored in `report.json`.

A profile keeps, per feature, the number of values and their empirical distribution: exactly if
there are few distinct values, else at `N_LEVELS` quantiles (the error of the CDF is below
1 / (N_LEVELS - 1)). So an old `report.json` suffices for comparing new data with old data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from strokecast.common import files, paths
from strokecast.common.errors import UserError

N_LEVELS = 257  # quantiles that a profile keeps
NUMBERS, CATEGORIES = "numbers", "categories"
CHAMPION = "champion"
_REFERENCE_KEY = "params.yaml: quality.reference"
_REPORT = "an earlier report.json"

Profile = dict[str, dict[str, Any]]  # feature → its distribution, JSON


class ReferenceProfile(NamedTuple):
    """Profile of an earlier dataset.

    Attributes:
        name: name of the dataset and its report, for reports and messages.
        profile: profile of all its rows.
    """

    name: str
    profile: Profile


def build_profile(
    values: Mapping[str, NDArray[Any]], weights: Mapping[str, float] | None = None, n_seen: int | None = None
) -> Profile:
    """Build the profile of some features.

    Args:
        values: feature → values [n]: numbers (NaN and infinities count as `missing`) or strings
            (categories).
        weights: feature → share of the values that counts as independent (0 to 1); default 1.
            `independent_share` estimates it for a time series.
        n_seen: number of rows that `values` are a sample of (see `sampling`); None: not a sample.

    Returns:
        feature → `{"kind": "numbers", "count", "missing", "effective", "exact", "values", "cdf"}`
        or `{"kind": "categories", "count", "missing", "effective", "counts"}`. `sample_of` is
        `n_seen` if there are fewer values; drift tests use the size of the sample.
    """
    profile: Profile = {}
    for name, column in values.items():
        array, weight = np.asarray(column), float((weights or {}).get(name, 1.0))
        is_text = array.dtype.kind in "OUS"
        profile[name] = _profile_categories(array, weight) if is_text else _profile_numbers(array, weight)
        if n_seen is not None and n_seen > len(array):
            profile[name]["sample_of"] = n_seen
    return profile


def categories_from_counts(counts: Mapping[str, int], total: int) -> dict[str, Any]:
    """The profile of one categorical feature, from complete counts."""
    return {
        "kind": CATEGORIES,
        "count": total,
        "missing": 0,
        "effective": total,
        "counts": dict(counts),
    }


def _profile_categories(values: NDArray[Any], weight: float) -> dict[str, Any]:
    present = [str(value) for value in values.tolist() if value is not None and value == value]
    names, counts = np.unique(np.array(present, dtype=object), return_counts=True)
    return {
        "kind": CATEGORIES,
        "count": len(present),
        "missing": len(values) - len(present),
        "effective": _effective_size(len(present), weight),
        "counts": dict(zip(map(str, names.tolist()), counts.tolist(), strict=True)),
    }


def _profile_numbers(values: NDArray[Any], weight: float) -> dict[str, Any]:
    numbers = values.astype(np.float64).ravel()
    total = len(numbers)
    numbers = np.sort(numbers[np.isfinite(numbers)])
    count = len(numbers)
    distinct, positions = np.unique(numbers, return_index=True)
    cumulative = np.append(positions[1:], count)  # number of values <= each distinct value
    exact = len(distinct) <= N_LEVELS
    if not exact:
        quantiles = np.unique(np.searchsorted(cumulative, np.linspace(1, count, N_LEVELS)))
        quantiles = np.unique(np.append(0, np.minimum(quantiles, len(distinct) - 1)))
        distinct, cumulative = distinct[quantiles], cumulative[quantiles]
    return {
        "kind": NUMBERS,
        "count": count,
        "missing": total - count,
        "effective": _effective_size(count, weight),
        "exact": exact,
        "values": distinct.tolist(),
        "cdf": [round(float(share), 9) for share in cumulative / max(count, 1)],
    }


def _effective_size(count: int, weight: float) -> int:
    return max(1, round(count * min(max(weight, 0.0), 1.0))) if count else 0


def independent_share(series: NDArray[np.float64], max_lag: int = 60) -> float:
    """Effective sample size over length of a stationary series: 1 / (1 + 2 sum of rho_k).

    The sum runs up to the first autocorrelation that is not positive (Geyer 1992, simplified).
    """
    values = series[np.isfinite(series)]
    largest = float(np.abs(values).max()) if len(values) else 0.0
    if len(values) < 3 or largest == 0:
        return 1.0
    values = values / largest  # keeps the squares finite
    values = values - values.mean()
    power = float(values @ values)
    if not power > 0:
        return 1.0
    total = 0.0
    for lag in range(1, min(max_lag, len(values) - 1) + 1):
        rho = float(values[:-lag] @ values[lag:]) / power
        if rho <= 0:
            break
        total += rho
    return 1.0 / (1.0 + 2.0 * total)


def read_reference(path: str, dataset: str) -> ReferenceProfile | None:
    """Read the reference profile from an earlier report.

    Args:
        path: `quality.reference`: an earlier `report.json`, relative to the project root, or `champion` for the data that
            the champion was trained on.
        dataset: `sketches` or `series`.

    Returns:
        The profile, or None if the report is of the other dataset, or no model of these data has been promoted.

    Raises:
        UserError: if the file does not exist, is not a report, or has no profile.
    """
    if missing_champion(path, dataset):
        return None
    is_champion = path == CHAMPION
    try:
        report = files.read_json(paths.champion_report(dataset) if is_champion else Path(path).expanduser())
    except FileNotFoundError:
        raise UserError(f"no such file {path!r}", location=_REFERENCE_KEY, allowed=_REPORT) from None
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: `~` of an unknown user
        reason = error.what if isinstance(error, UserError) else error
        raise UserError(
            f"{path!r} is not a report: {reason}", location=_REFERENCE_KEY, allowed=_REPORT
        ) from None
    if not isinstance(report, dict) or "dataset" not in report:
        raise UserError(f"{path!r} is not a strokecast report", location=_REFERENCE_KEY, allowed=_REPORT)
    if report["dataset"] != dataset:
        return None
    profile = report.get("profile")
    if not _is_profile(profile):
        raise UserError(
            f"{path!r} has no profile",
            location=_REFERENCE_KEY,
            fix="validate that data again with this version",
        )
    file_name = CHAMPION if is_champion else Path(path).name
    return ReferenceProfile(f"{report.get('name', report.get('source', 'reference'))} ({file_name})", profile)


def missing_champion(reference: str | None, dataset: str) -> str:
    """A warning if `quality.reference` is `champion` and no model of these data has been promoted; else ""."""
    if reference != CHAMPION or paths.champion_report(dataset).is_file():
        return ""
    return (
        f"{_REFERENCE_KEY}: no champion was trained on {dataset}, so nothing is compared with its data; "
        "promote one with `strokecast promote`"
    )


def _is_profile(value: Any) -> TypeGuard[Profile]:
    if not isinstance(value, dict) or not value:
        return False
    required = {
        NUMBERS: {"count", "effective", "exact", "values", "cdf"},
        CATEGORIES: {"count", "effective", "counts"},
    }
    return all(
        isinstance(feature, dict) and required.get(str(feature.get("kind")), {""}) <= set(feature)
        for feature in value.values()
    )
