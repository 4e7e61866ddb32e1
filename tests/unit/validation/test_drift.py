"""Profiles and comparisons of them, against scipy on the raw values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from strokecast.common.errors import UserError
from strokecast.validation import drift


def one(values: np.ndarray) -> drift.Profile:
    return drift.profile({"x": values})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("levels", [5, 200])
def test_few_distinct_values_give_scipys_distance_and_p(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, levels, 700).astype(float)
    b = rng.integers(seed, levels + seed, 400).astype(float)
    (found,) = drift.compare(one(a), one(b))
    expected = stats.ks_2samp(a, b, method="asymp")
    assert found["effect"] == pytest.approx(expected.statistic, abs=1e-8)
    assert found["p"] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5, 3.0])
def test_many_values_are_compared_from_quantiles_nearly_as_well(shift: float) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=20_000), rng.normal(size=15_000) + shift
    (found,) = drift.compare(one(a), one(b))
    assert found["effect"] == pytest.approx(stats.ks_2samp(a, b).statistic, abs=2 / 256)
    assert found["drifted"] is (shift > 0)
    assert found["a"] == pytest.approx(np.median(a), abs=0.02)


def test_a_profile_is_small_plain_json_and_equals_itself() -> None:
    rng = np.random.default_rng(2)
    values = {"x": rng.normal(size=50_000), "label": np.array(["crab", "face"] * 30)}
    text = json.dumps(drift.profile(values), allow_nan=False)
    assert len(text) < 20_000
    for found in drift.compare(json.loads(text), drift.profile(values)):
        assert (found["effect"], found["p_adjusted"], found["drifted"]) == (0.0, 1.0, False)


def test_values_that_are_no_number_are_counted_and_left_out() -> None:
    found = drift.profile({"x": np.array([1.0, np.nan, np.inf, 2.0, -np.inf])})["x"]
    assert (found["count"], found["missing"], found["values"], found["cdf"]) == (2, 3, [1.0, 2.0], [0.5, 1.0])


def test_categories_by_chi_squared() -> None:
    a = np.array(["crab"] * 500 + ["face"] * 500)
    b = np.array(["crab"] * 300 + ["face"] * 400 + ["pig"] * 100)
    (found,) = drift.compare(drift.profile({"label": a}), drift.profile({"label": b}))
    expected = stats.chi2_contingency([[500, 500, 0], [300, 400, 100]])
    assert found["test"] == "chi2"
    assert found["statistic"] == pytest.approx(expected.statistic)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert (found["a"], found["b"]) == ("crab: 0.5", "crab: 0.375")


def test_the_false_discovery_rate_is_kept_over_all_features() -> None:
    """200 pairs without a difference: raw p below 0.05 in some, none after the correction (nearly ever)."""
    rng = np.random.default_rng(3)
    a = drift.profile({f"f{n}": rng.normal(size=300) for n in range(200)})
    b = drift.profile({f"f{n}": rng.normal(size=300) for n in range(200)})
    rows = drift.compare(a, b, alpha=0.05)
    raw = [row["p"] for row in rows]
    assert sum(p < 0.05 for p in raw) > 0
    assert not any(row["drifted"] for row in rows)
    assert [row["p_adjusted"] for row in rows] == pytest.approx(stats.false_discovery_control(raw).tolist())


def test_autocorrelated_values_count_as_fewer() -> None:
    rng = np.random.default_rng(4)
    steps = rng.normal(size=4000)
    slow = np.zeros(4000)
    for n in range(1, 4000):
        slow[n] = 0.9 * slow[n - 1] + steps[n]
    assert drift.independent_share(slow) == pytest.approx(0.1 / 1.9, rel=0.35)  # (1 - a) / (1 + a)
    assert drift.independent_share(steps) > 0.8
    weight = {"x": drift.independent_share(slow)}
    loose = drift.compare(one(slow[:2000]), one(slow[2000:]))[0]["p"]
    strict = drift.compare(
        drift.profile({"x": slow[:2000]}, weight), drift.profile({"x": slow[2000:]}, weight)
    )[0]
    assert strict["p"] > loose


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.zeros(0), np.ones(3)),
        (np.array(["a"]), np.ones(3)),
        (np.array([np.nan]), np.ones(3)),
    ],
)
def test_what_cannot_be_compared_says_so(a: np.ndarray, b: np.ndarray) -> None:
    (found,) = drift.compare(one(a), one(b))
    assert (found["test"], found["p"], found["drifted"]) == ("none", None, False)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (3, 3), (4, 9)])
def test_few_values_prove_nothing(n: int, m: int) -> None:
    a, b = np.arange(n) * 1.0, np.arange(m) + 100.0
    (found,) = drift.compare(one(a), one(b))
    assert found["p"] >= stats.ks_2samp(a, b, method="exact").pvalue * (1 - 1e-9)


def test_one_value_each() -> None:
    (found,) = drift.compare(one(np.array([5.0])), one(np.array([5.0])))
    assert (found["effect"], found["drifted"]) == (0.0, False)


def test_record_holds_train_to_each_split_and_all_to_the_reference() -> None:
    rng = np.random.default_rng(5)
    profiles = {
        name: one(rng.normal(size=300) + shift) for name, shift in (("train", 0), ("valid", 0), ("test", 2))
    }
    found = drift.record(profiles, 0.01, ("old", one(rng.normal(size=300) + 4)), profiles["train"])
    told = [(c["a"], c["b"], c["features"][0]["drifted"]) for c in found["comparisons"]]
    assert told == [("train", "valid", False), ("train", "test", True), ("old", "all rows", True)]
    assert drift.record({}, 0.01)["comparisons"] == []
    assert len(drift.record({}, 0.01, ("old", profiles["test"]), profiles["train"])["comparisons"]) == 1


def test_a_reference_is_read_or_refused_in_one_line() -> None:
    path = Path("report.json")
    with pytest.raises(UserError, match=r"^params.yaml: quality.reference: no such file 'report.json'"):
        drift.reference("report.json", "series")
    for text, words in (
        ("{", "is no report"),
        ("[]", "is no report of strokecast"),
        ('{"dataset": "series"}', "carries no profile"),
        ('{"dataset": "series", "profile": {"x": {"kind": "numbers"}}}', "carries no profile"),
        ('{"dataset": "series", "profile": {"x": 3}}', "carries no profile"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=words) as caught:
            drift.reference("report.json", "series")
        assert "\n" not in str(caught.value)
    path.write_text(json.dumps({"dataset": "series", "name": "rides", "profile": one(np.ones(3))}))
    assert drift.reference("report.json", "series") == ("rides (report.json)", one(np.ones(3)))
    assert drift.reference("report.json", "sketches") is None


@pytest.mark.parametrize(
    "values", [[], [1.0], [2.0] * 9, [0.0] * 9, [1e308, -1e308, 3.0, 1e308], [np.nan, np.inf, 1.0]]
)
def test_any_series_has_a_share_between_0_and_1(values: list[float]) -> None:
    assert 0 < drift.independent_share(np.array(values)) <= 1
