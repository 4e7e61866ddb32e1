"""Ridge, boosted trees and their mean: what all regressions on lags have in common."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import sha256, write_json
from strokecast.models.common import registry
from strokecast.models.regression import lag_regressor
from strokecast.models.regression import ridge as ridge_module
from strokecast.models.regression.boosted_trees import BoostedTrees

W, H = 28, 7
SPEC: dict[str, Any] = {
    "task": "forecast",
    "input_size": W,
    "horizon": H,
    "targets": ["y"],
    "past_covariates": [],
    "future": ["holiday"],
    "channels": ["y", "holiday"],
}
NAMES = ("ridge", "boosted_trees", "combination")


def windows(days: int = 300, seed: int = 3) -> tuple[dict[str, Any], Any]:
    """A weekly pattern with noise; one day in ten is a holiday, known ahead, with lower values."""
    rng = np.random.default_rng(seed)
    holiday = rng.random(days) < 0.1
    week = np.tile([1.0, 2.0, 2.0, 2.0, 1.5, -1.0, -2.0], days // 7 + 1)[:days]
    series = week - 3.0 * holiday + rng.normal(0, 0.2, days)
    channels = np.column_stack([series, holiday]).astype(np.float32)  # [days, C]
    origins = np.arange(W, days - H + 1)
    past = channels[origins[:, None] + np.arange(-W, 0)]
    ahead = channels[origins[:, None] + np.arange(H)]
    return {"past": past, "future": ahead[:, :, 1:]}, ahead[:, :, :1]


def settings(name: str) -> dict[str, Any]:
    return {"lags": 14, "weeks": [4]} | ({} if name == "ridge" else {"trees": 20, "learning_rate": 0.2})


def build(name: str, spec: dict[str, Any] = SPEC, **changes: Any) -> lag_regressor.LagRegressor:
    config = registry.config("forecast", name, settings(name) | changes)
    model: lag_regressor.LagRegressor = registry.get("forecast", name).build(config, spec)
    return model


@pytest.fixture(scope="module")
def fitted() -> dict[str, lag_regressor.LagRegressor]:
    inputs, target = windows()
    models = {name: build(name) for name in NAMES}
    for model in models.values():
        model.fit(inputs, target, seed=1)
    return models


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_holidays_known_ahead_lower_the_error(
    name: str, fitted: dict[str, lag_regressor.LagRegressor]
) -> None:
    inputs, actual = windows(seed=4)
    forecast = fitted[name].predict(inputs)
    assert (forecast.shape, forecast.dtype) == (actual.shape, np.float64)
    error = np.abs(forecast - actual).mean(axis=(0, 2))  # [H]
    naive = np.abs(inputs["past"][:, -7:, :1] - actual).mean(axis=(0, 2))
    assert (error < 0.7 * naive).all()
    without_holidays = build(name)
    train, target = windows()
    without_holidays.fit({**train, "future": 0 * train["future"]}, target, seed=1)
    error_without = np.abs(without_holidays.predict(inputs) - actual).mean()
    assert error.mean() < 0.8 * error_without


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_depend_on_the_own_window_and_the_own_day_only(
    name: str, fitted: dict[str, lag_regressor.LagRegressor]
) -> None:
    inputs, _ = windows(seed=4)
    forecast = fitted[name].predict(inputs)
    single = fitted[name].predict({key: values[9:10] for key, values in inputs.items()})
    np.testing.assert_allclose(single, forecast[9:10])
    changed = {key: values.copy() for key, values in inputs.items()}
    changed["future"][:, 3:] = 1 - changed["future"][:, 3:]
    other = fitted[name].predict(changed)
    np.testing.assert_array_equal(other[:, :3], forecast[:, :3])
    assert (np.abs(other[:, 3:] - forecast[:, 3:]) > 0.1).mean() > 0.9


def test_features_are_lags_weekday_means_and_the_known_features_of_the_day() -> None:
    spec = SPEC | {"targets": ["a", "b"], "past_covariates": ["c"], "channels": ["a", "b", "c", "holiday"]}
    model = build("ridge", spec, lags=3, weeks=[2, 4])
    past = np.arange(2 * W * 4, dtype=np.float32).reshape(2, W, 4)
    future = np.arange(2 * H, dtype=np.float32).reshape(2, H, 1) - 100
    features = model.features({"past": past, "future": future})
    assert features.shape == (H, 2, 3 * 3 + 2 * 3 + 1)
    np.testing.assert_array_equal(features[5, 1, :9], past[1, -3:, :3].ravel())
    np.testing.assert_allclose(features[5, 1, 9:12], past[1, [-2, -9], :3].mean(axis=0))
    np.testing.assert_allclose(features[5, 1, 12:15], past[1, [-2, -9, -16, -23], :3].mean(axis=0))
    assert features[5, 1, 15] == future[1, 5, 0]
    long = build("ridge", SPEC | {"horizon": 9}, lags=1)
    features = long.features({"past": past[:, :, :2], "future": np.zeros((2, 9, 1), np.float32)})
    np.testing.assert_array_equal(features[7], features[0])  # day 8 has the weekday of day 1


def test_ridge_equals_scikit_learn(fitted: dict[str, lag_regressor.LagRegressor]) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (train, target), (inputs, _) = windows(), windows(seed=4)
    model = fitted["ridge"]
    forecast = model.predict(inputs)
    for step in (0, 6):
        expected_model = make_pipeline(StandardScaler(), Ridge(alpha=0.01 * len(target)))
        expected_model.fit(model.features(train)[step].astype(np.float64), target[:, step, 0])
        expected = expected_model.predict(model.features(inputs)[step].astype(np.float64))
        np.testing.assert_allclose(forecast[:, step, 0], expected, atol=1e-6)


def test_ridge_chooses_the_penalty_with_the_lowest_validation_error() -> None:
    train, similar = windows(seed=3), windows(seed=4)
    rng = np.random.default_rng(0)
    unrelated = (similar[0], rng.normal(0, 0.01, similar[1].shape).astype(np.float32))  # a structural break
    by_l2 = {}
    for l2 in ridge_module.L2_GRID:
        by_l2[l2] = build("ridge", l2=l2)
        by_l2[l2].fit(*train, seed=1)
    chosen = {}
    for key, valid in (("similar", similar), ("unrelated", unrelated)):
        model = build("ridge", l2=None)
        model.fit(*train, seed=1, valid=valid)
        chosen[key] = float(model.arrays["l2"])
        np.testing.assert_array_equal(model.predict(similar[0]), by_l2[chosen[key]].predict(similar[0]))
        errors = {l2: float(np.abs(other.predict(valid[0]) - valid[1]).mean()) for l2, other in by_l2.items()}
        assert chosen[key] == min(errors, key=lambda l2: errors[l2])
    assert chosen["similar"] < chosen["unrelated"] == ridge_module.L2_GRID[-1]
    with pytest.raises(ValueError, match="validation windows"):
        build("ridge", l2=None).fit(*train, seed=1)


@pytest.mark.slow
def test_trees_equal_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import ensemble

    fitted_models: list[Any] = []
    original = ensemble.GradientBoostingRegressor.fit

    def fit(self: Any, *arguments: Any) -> Any:
        fitted_models.append(self)
        return original(self, *arguments)

    monkeypatch.setattr(ensemble.GradientBoostingRegressor, "fit", fit)
    (train, target), (inputs, _) = windows(200), windows(200, seed=4)
    for loss in ("squared_error", "absolute_error", "huber"):
        fitted_models.clear()
        model = build("boosted_trees", trees=15, loss=loss)
        assert isinstance(model, BoostedTrees)
        model.fit(train, target, seed=1)
        forecast = model.predict(inputs)
        relative, level = model._relative_to_level(model.features(inputs))
        assert len(fitted_models) == H
        for step, sklearn_model in enumerate(fitted_models):
            expected = sklearn_model.predict(relative[step]) + level[:, 0]
            np.testing.assert_allclose(forecast[:, step, 0], expected, rtol=1e-12, atol=1e-12)


def test_trees_follow_a_level_outside_the_training_range(
    fitted: dict[str, lag_regressor.LagRegressor],
) -> None:
    inputs, _ = windows(seed=4)
    forecast = fitted["boosted_trees"].predict(inputs)
    higher = {"past": inputs["past"] + np.float32([50.0, 0.0]), "future": inputs["future"]}
    assert np.abs(fitted["boosted_trees"].predict(higher) - forecast - 50).mean() < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_several_targets_without_known_features(name: str) -> None:
    inputs, target = windows(200)
    both = {"past": np.concatenate([inputs["past"][:, :, :1], 10 - inputs["past"][:, :, :1]], axis=2)}
    spec = SPEC | {"targets": ["y", "z"], "future": [], "channels": ["y", "z"]}
    model = build(name, spec)
    model.fit(both, np.concatenate([target, 10 - target], axis=2), seed=1)
    forecast = model.predict(both)
    assert forecast.shape == (len(target), H, 2)
    assert np.abs(forecast.sum(axis=2) - 10).mean() < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_saves_and_loads(name: str, fitted: dict[str, lag_regressor.LagRegressor], tmp_path: Path) -> None:
    inputs, target = windows()
    config = registry.config("forecast", name, settings(name))
    stored = {"task": "forecast", "name": name, "config": config.model_dump(mode="json")}
    write_json(tmp_path / "config.json", stored)
    write_json(tmp_path / "spec.json", SPEC)
    fitted[name].save(tmp_path)
    loaded = lag_regressor.load(tmp_path)
    assert loaded.parameters == fitted[name].parameters > 0
    np.testing.assert_array_equal(loaded.predict(inputs), fitted[name].predict(inputs))
    digest = sha256(tmp_path / "model.npz")
    refitted = build(name)
    refitted.fit(inputs, target, seed=1)
    refitted.save(tmp_path)
    assert sha256(tmp_path / "model.npz") == digest  # equal seeds give equal bytes
    (tmp_path / "model.npz").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        lag_regressor.load(tmp_path)


def test_the_seed_selects_the_windows_of_each_tree() -> None:
    inputs, target = windows(200)
    forecasts = []
    for seed in (1, 2):
        model = build("boosted_trees", trees=10)
        model.fit(inputs, target, seed)
        forecasts.append(model.predict(inputs))
    assert np.abs(forecasts[0] - forecasts[1]).max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("key", "value"), [("lags", 29), ("weeks", [5])])
def test_short_window_is_an_error(name: str, key: str, value: Any) -> None:
    with pytest.raises(
        UserError, match=rf"models\.forecast\.{name}\.config\.{key}: needs .* the window has 28"
    ):
        build(name, **{key: value})


def test_combination_is_the_mean_of_its_members() -> None:
    train, valid, (inputs, _) = windows(), windows(200, seed=5), windows(seed=4)
    forecasts = []
    for name in ("ridge", "boosted_trees"):
        model = build(name, **({"l2": None} if name == "ridge" else {}))
        model.fit(*train, seed=1, valid=valid)
        forecasts.append(model.predict(inputs))
    combination = build("combination", l2=None)
    with pytest.raises(ValueError, match="validation windows"):
        combination.fit(*train, seed=1)
    combination.fit(*train, seed=1, valid=valid)
    np.testing.assert_allclose(combination.predict(inputs), (forecasts[0] + forecasts[1]) / 2, rtol=1e-12)
    assert np.abs(forecasts[0] - forecasts[1]).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_predict_before_fit_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="the model is not fitted: call fit or load it"):
        build(name).predict(windows(60)[0])
