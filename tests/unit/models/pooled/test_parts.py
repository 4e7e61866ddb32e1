"""Columns, the group ridge and the features of the level."""

from typing import Any

import numpy as np
import pytest

from strokecast.models.pooled import columns, group_ridge
from strokecast.models.pooled.calendar_design import day_of_leap_year, fit_design
from strokecast.models.pooled.calendar_fit import running_median
from strokecast.models.pooled.day_features import NAMES, day_features
from strokecast.models.pooled.history_transform import fit_transform
from strokecast.models.pooled.level_features import level_features
from strokecast.models.pooled.level_regression import training_rows

DAYS = np.datetime64("2021-01-01") + np.arange(800)


def test_products_of_columns_are_those_of_dense_matrices() -> None:
    rng = np.random.default_rng(0)
    flags = columns.one_hot(rng.integers(0, 3, 20), 3)
    hats = columns.hat_functions(np.arange(20.0), np.array([0.0, 5.0, 30.0]))
    expected = np.einsum("na,nb->nab", flags.sparse().toarray(), hats.sparse().toarray()).reshape(20, 9)
    np.testing.assert_allclose((flags * hats).sparse().toarray(), expected)


def test_hat_functions_interpolate_and_stay_constant_outside() -> None:
    matrix = columns.hat_functions(np.array([-4.0, 2.5, 99.0]), np.array([0.0, 10.0, 20.0])).sparse()
    np.testing.assert_allclose(matrix @ np.array([1.0, 3.0, 9.0]), [1.0, 1.5, 9.0])


def test_a_date_has_the_same_number_in_every_year() -> None:
    days = np.array(["2023-03-01", "2024-03-01", "2024-02-29", "2023-12-31"], "datetime64[D]")
    assert day_of_leap_year(days).tolist() == [60, 60, 59, 365]


def test_group_ridge_switches_off_what_explains_nothing_and_resists_outliers() -> None:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(1)
    useful, noise = rng.normal(size=(400, 3)), rng.normal(size=(400, 30))
    target = 2.0 + useful @ [1.0, -2.0, 0.5] + rng.normal(0, 0.1, 400)
    target[::20] += 50
    groups: dict[str, Any] = {"mean": np.ones((400, 1)), "useful": useful, "noise": noise}
    groups = {name: csr_matrix(values) for name, values in groups.items()}
    fitted = group_ridge.fit(groups, target, np.ones(400), None, "mean")
    np.testing.assert_allclose(fitted.coefficients["useful"], [1.0, -2.0, 0.5], atol=0.15)
    assert fitted.coefficients["mean"][0] == pytest.approx(2.0, abs=0.3)
    assert np.abs(fitted.coefficients["noise"]).max() < 0.1
    assert fitted.variances["noise"] < fitted.variances["useful"] / 20
    again = group_ridge.fit(groups, target, np.ones(400), fitted.variances, "mean")
    np.testing.assert_allclose(again.predict(groups), fitted.predict(groups), atol=0.2)


def test_level_features_read_the_past_alone_and_ignore_the_level() -> None:
    values = np.random.default_rng(2).normal(size=800)
    origins = np.array([30, 500, 700])
    features, level = level_features(values, origins, 14, 28)
    assert level[1] == pytest.approx(values[472:500].mean())
    changed = values.copy()
    changed[500:] = 1e6
    np.testing.assert_allclose(level_features(changed, origins[:2], 14, 28)[0], features[:2])
    shifted, shifted_level = level_features(values + 5, origins, 14, 28)
    np.testing.assert_allclose(shifted_level, level + 5)
    np.testing.assert_allclose(shifted[1:], features[1:], atol=1e-9)


def test_rows_of_a_short_history_have_fewer_days_ahead() -> None:
    rows = training_rows(np.arange(60.0), 365, 28)
    assert rows.target.shape[1] == 20
    assert int(rows.origins[-1]) + 20 == 60


def test_holidays_have_effects_around_them_and_are_those_of_the_history() -> None:
    design = fit_design(DAYS[:200], "US")  # to July
    assert "Christmas Day" not in design.holiday_names
    assert "Memorial Day" in design.holiday_names
    groups = design.groups(DAYS)
    assert groups["holiday"].shape == (800, 15 * len(design.holiday_names))
    assert "year" not in groups  # less than one and a half years
    row = int((np.datetime64("2021-05-31") - DAYS[0]).astype(int))
    features = dict(zip(NAMES, day_features(DAYS, "US", design.holiday_names)[row - 2], strict=True))
    assert features["days to the next holiday"] == 2
    assert features["next holiday"] == 1 + design.holiday_names.index("Memorial Day")
    assert fit_design(DAYS, None).groups(DAYS).keys() >= {"year", "day of year", "day of month"}


@pytest.mark.parametrize(
    ("values", "kind"), [([1.0, 5.0, 9.0], "log"), ([0.0, 5.0, 9.0], "log1p"), ([-1.0, 5.0, 9.0], "none")]
)
def test_transform_follows_the_values(values: list[float], kind: str) -> None:
    transform = fit_transform(np.array(values), "auto")
    assert transform.kind == kind
    np.testing.assert_allclose(transform.inverse_transform(transform.transform(np.array(values))), values)


@pytest.mark.parametrize("count", [10, 29, 60])
def test_running_median(count: int) -> None:
    values = np.random.default_rng(3).normal(size=count)
    expected = [np.median(values[max(0, day - 28) : day + 1]) for day in range(count)]
    np.testing.assert_array_equal(running_median(values), expected)
