"""Comparisons of profiles, against scipy on the raw values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from strokecast.validation.drift import compare_profiles, drift_report
from strokecast.validation.profiles import Profile, ReferenceProfile, build_profile


def profile_of(values: np.ndarray) -> Profile:
    return build_profile({"x": values})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [5, 200])
def test_few_distinct_values_give_the_distance_and_p_value_of_scipy(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, levels, 700).astype(float)
    b = rng.integers(seed, levels + seed, 400).astype(float)
    (row,) = compare_profiles(profile_of(a), profile_of(b))
    expected = stats.ks_2samp(a, b, method="asymp")
    assert row["effect"] == pytest.approx(expected.statistic, abs=1e-8)
    assert row["p"] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 3.0])
def test_many_distinct_values_are_compared_by_quantiles_within_their_error(shift: float) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=20_000), rng.normal(size=15_000) + shift
    (row,) = compare_profiles(profile_of(a), profile_of(b))
    assert row["effect"] == pytest.approx(stats.ks_2samp(a, b).statistic, abs=2 / 256)
    assert row["drifted"] is (shift > 0)
    assert row["a"] == pytest.approx(np.median(a), abs=0.02)


def test_categories_are_compared_by_chi_squared() -> None:
    a = np.array(["crab"] * 500 + ["face"] * 500)
    b = np.array(["crab"] * 300 + ["face"] * 400 + ["pig"] * 100)
    (row,) = compare_profiles(build_profile({"label": a}), build_profile({"label": b}))
    expected = stats.chi2_contingency([[500, 500, 0], [300, 400, 100]])
    assert row["test"] == "chi2"
    assert row["statistic"] == pytest.approx(expected.statistic)
    assert row["p"] == pytest.approx(expected.pvalue)
    assert (row["a"], row["b"]) == ("crab: 0.5", "crab: 0.375")


def test_the_false_discovery_rate_is_controlled_over_all_features() -> None:
    """200 pairs without a difference: some raw p-values are below 0.05, no adjusted one is."""
    rng = np.random.default_rng(3)
    a = build_profile({f"f{n}": rng.normal(size=300) for n in range(200)})
    b = build_profile({f"f{n}": rng.normal(size=300) for n in range(200)})
    rows = compare_profiles(a, b, alpha=0.05)
    raw = [row["p"] for row in rows]
    assert sum(p < 0.05 for p in raw) > 0
    assert not any(row["drifted"] for row in rows)
    assert [row["p_adjusted"] for row in rows] == pytest.approx(stats.false_discovery_control(raw).tolist())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros(0), np.ones(3)),
        (np.array(["a"]), np.ones(3)),
        (np.array([np.nan]), np.ones(3)),
    ],
)
def test_empty_features_and_features_of_different_kinds_are_not_tested(a: np.ndarray, b: np.ndarray) -> None:
    (row,) = compare_profiles(profile_of(a), profile_of(b))
    assert (row["test"], row["p"], row["drifted"]) == ("none", None, False)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (3, 3), (4, 9)])
def test_the_p_value_of_few_values_is_at_least_the_exact_one(n: int, m: int) -> None:
    a, b = np.arange(n) * 1.0, np.arange(m) + 100.0
    (row,) = compare_profiles(profile_of(a), profile_of(b))
    assert row["p"] >= stats.ks_2samp(a, b, method="exact").pvalue * (1 - 1e-9)


def test_equal_single_values_do_not_drift() -> None:
    (row,) = compare_profiles(profile_of(np.array([5.0])), profile_of(np.array([5.0])))
    assert (row["effect"], row["drifted"]) == (0.0, False)


def test_the_report_compares_train_with_each_split_and_all_rows_with_the_reference() -> None:
    rng = np.random.default_rng(5)
    profiles = {
        name: profile_of(rng.normal(size=300) + shift)
        for name, shift in (("train", 0), ("valid", 0), ("test", 2))
    }
    reference = ReferenceProfile("old", profile_of(rng.normal(size=300) + 4))
    report = drift_report(profiles, 0.01, reference, profiles["train"])
    drifted = [(one["a"], one["b"], one["features"][0]["drifted"]) for one in report["comparisons"]]
    assert drifted == [("train", "valid", False), ("train", "test", True), ("old", "all rows", True)]
    assert drift_report({}, 0.01)["comparisons"] == []
    reference = ReferenceProfile("old", profiles["test"])
    assert len(drift_report({}, 0.01, reference, profiles["train"])["comparisons"]) == 1
