"""Profiles of distributions, and reading a reference profile."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.paths import champion_report
from strokecast.validation.drift import compare_profiles
from strokecast.validation.profiles import (
    Profile,
    build_profile,
    independent_share,
    missing_champion,
    read_reference,
)


def profile_of(values: np.ndarray) -> Profile:
    return build_profile({"x": values})


def test_a_profile_is_small_valid_json_and_equals_itself() -> None:
    rng = np.random.default_rng(2)
    values = {"x": rng.normal(size=50_000), "label": np.array(["crab", "face"] * 30)}
    text = json.dumps(build_profile(values), allow_nan=False)
    assert len(text) < 20_000
    for row in compare_profiles(json.loads(text), build_profile(values)):
        assert (row["effect"], row["p_adjusted"], row["drifted"]) == (0.0, 1.0, False)


def test_values_that_are_not_finite_are_counted_as_missing() -> None:
    profile = profile_of(np.array([1.0, np.nan, np.inf, 2.0, -np.inf]))["x"]
    assert (profile["count"], profile["missing"]) == (2, 3)
    assert (profile["values"], profile["cdf"]) == ([1.0, 2.0], [0.5, 1.0])


def test_autocorrelated_values_have_a_smaller_effective_size() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=4000)
    autoregressive = np.zeros(4000)
    for n in range(1, 4000):
        autoregressive[n] = 0.9 * autoregressive[n - 1] + noise[n]
    share = independent_share(autoregressive)
    assert share == pytest.approx(0.1 / 1.9, rel=0.35)  # (1 - a) / (1 + a)
    assert independent_share(noise) > 0.8
    a, b = autoregressive[:2000], autoregressive[2000:]
    (unweighted,) = compare_profiles(profile_of(a), profile_of(b))
    (weighted,) = compare_profiles(
        build_profile({"x": a}, {"x": share}), build_profile({"x": b}, {"x": share})
    )
    assert weighted["p"] > unweighted["p"]


@pytest.mark.parametrize(
    "values", [[], [1.0], [2.0] * 9, [0.0] * 9, [1e308, -1e308, 3.0, 1e308], [np.nan, np.inf, 1.0]]
)
def test_the_independent_share_of_any_series_is_between_0_and_1(values: list[float]) -> None:
    assert 0 < independent_share(np.array(values)) <= 1


def test_an_invalid_reference_is_a_one_line_error() -> None:
    with pytest.raises(UserError, match=r"^params.yaml: quality.reference: no such file 'report.json'"):
        read_reference("report.json", "series")
    for text, message in (
        ("{", "is not a report"),
        ("[]", "is not a strokecast report"),
        ('{"dataset": "series"}', "has no profile"),
        ('{"dataset": "series", "profile": {"x": {"kind": "numbers"}}}', "has no profile"),
        ('{"dataset": "series", "profile": {"x": 3}}', "has no profile"),
    ):
        Path("report.json").write_text(text)
        with pytest.raises(UserError, match=message) as caught:
            read_reference("report.json", "series")
        assert "\n" not in str(caught.value)
    for path, message in (("~nobody-of-this-name/x", "is not a report"), ("/dev/zero", "is a device")):
        with pytest.raises(UserError, match=message):
            read_reference(path, "series")


def test_a_reference_is_read_for_its_own_dataset() -> None:
    profile = profile_of(np.ones(3))
    report = {"dataset": "series", "name": "rides", "profile": profile}
    Path("report.json").write_text(json.dumps(report))
    assert read_reference("report.json", "series") == ("rides (report.json)", profile)
    assert read_reference("report.json", "sketches") is None


def test_the_reference_champion_is_the_data_of_the_promoted_model() -> None:
    assert read_reference("champion", "series") is None
    assert "no champion was trained on series" in missing_champion("champion", "series")
    profile = profile_of(np.ones(3))
    champion_report("series").parent.mkdir(parents=True)
    champion_report("series").write_text(
        json.dumps({"dataset": "series", "source": "births", "profile": profile})
    )
    assert read_reference("champion", "series") == ("births (champion)", profile)
    assert missing_champion("champion", "series") == missing_champion(None, "sketches") == ""
    assert read_reference("champion", "sketches") is None
