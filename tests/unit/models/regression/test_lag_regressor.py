"""Ridge and boosted trees on lags and the forecast day's calendar."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import sha256, write_json
from strokecast.models.common import registry
from strokecast.models.regression import lag_regressor
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
    """A week that repeats, noise, and one day in ten a holiday that is known ahead and halves everything."""
    rng = np.random.default_rng(seed)
    holiday = rng.random(days) < 0.1
    week = np.tile([1.0, 2.0, 2.0, 2.0, 1.5, -1.0, -2.0], days // 7 + 1)[:days]
    series = week - 3.0 * holiday + rng.normal(0, 0.2, days)
    channels = np.column_stack([series, holiday]).astype(np.float32)  # [days, C]
    origins = np.arange(W, days - H + 1)
    past = channels[origins[:, None] + np.arange(-W, 0)]
    ahead = channels[origins[:, None] + np.arange(H)]
    return {"past": past, "future": ahead[:, :, 1:]}, ahead[:, :, :1]


def chosen(name: str) -> dict[str, Any]:
    return {"lags": 14, "weeks": [4]} | ({} if name == "ridge" else {"trees": 20, "learning_rate": 0.2})


def built(name: str, spec: dict[str, Any] = SPEC, **config: Any) -> lag_regressor.LagRegressor:
    settings = registry.config("forecast", name, chosen(name) | config)
    model: lag_regressor.LagRegressor = registry.get("forecast", name).build(settings, spec)
    return model


@pytest.fixture(scope="module")
def fitted() -> dict[str, lag_regressor.LagRegressor]:
    inputs, target = windows()
    models = {name: built(name) for name in NAMES}
    for model in models.values():
        model.fit(inputs, target, seed=1)
    return models


@pytest.mark.parametrize("name", NAMES)
def test_a_holiday_known_ahead_is_worth_more_than_last_week(
    name: str, fitted: dict[str, lag_regressor.LagRegressor]
) -> None:
    inputs, actual = windows(seed=4)
    made = fitted[name].predict(inputs)
    assert (made.shape, made.dtype) == (actual.shape, np.float64)
    error = np.abs(made - actual).mean(axis=(0, 2))  # [H]
    naive = np.abs(inputs["past"][:, -7:, :1] - actual).mean(axis=(0, 2))
    assert (error < 0.7 * naive).all()
    blind = built(name)
    train, target = windows()
    blind.fit({**train, "future": 0 * train["future"]}, target, seed=1)
    assert error.mean() < 0.8 * np.abs(blind.predict(inputs) - actual).mean()


@pytest.mark.parametrize("name", NAMES)
def test_a_window_is_forecast_from_itself_alone(name: str, fitted: dict[str, lag_regressor.LagRegressor]) -> None:
    inputs, _ = windows(seed=4)
    made = fitted[name].predict(inputs)
    np.testing.assert_allclose(
        fitted[name].predict({key: values[9:10] for key, values in inputs.items()}), made[9:10]
    )
    later = {key: values.copy() for key, values in inputs.items()}
    later["future"][:, 3:] = 1 - later["future"][:, 3:]  # the calendar of a day has no say in those before it
    np.testing.assert_array_equal(fitted[name].predict(later)[:, :3], made[:, :3])
    assert (np.abs(fitted[name].predict(later)[:, 3:] - made[:, 3:]) > 0.1).mean() > 0.9


def test_features_are_the_last_days_the_weekdays_means_and_the_day() -> None:
    spec = SPEC | {"targets": ["a", "b"], "past_covariates": ["c"], "channels": ["a", "b", "c", "holiday"]}
    model = built("ridge", spec, lags=3, weeks=[2, 4])
    past = np.arange(2 * W * 4, dtype=np.float32).reshape(2, W, 4)
    future = np.arange(2 * H, dtype=np.float32).reshape(2, H, 1) - 100
    features = model.features({"past": past, "future": future})
    assert features.shape == (H, 2, 3 * 3 + 2 * 3 + 1)
    np.testing.assert_array_equal(features[5, 1, :9], past[1, -3:, :3].ravel())
    np.testing.assert_allclose(features[5, 1, 9:12], past[1, [-2, -9], :3].mean(axis=0))
    np.testing.assert_allclose(features[5, 1, 12:15], past[1, [-2, -9, -16, -23], :3].mean(axis=0))
    assert features[5, 1, 15] == future[1, 5, 0]
    long = built("ridge", SPEC | {"horizon": 9}, lags=1)
    again = long.features({"past": past[:, :, :2], "future": np.zeros((2, 9, 1), np.float32)})
    np.testing.assert_array_equal(again[7], again[0])  # beyond a week, the weekday's last days again


def test_ridge_is_scikit_learns(fitted: dict[str, lag_regressor.LagRegressor]) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (train, target), (inputs, _) = windows(), windows(seed=4)
    model = fitted["ridge"]
    made = model.predict(inputs)
    for step in (0, 6):
        peer = make_pipeline(StandardScaler(), Ridge(alpha=0.01 * len(target)))
        peer.fit(model.features(train)[step].astype(np.float64), target[:, step, 0])
        expected = peer.predict(model.features(inputs)[step].astype(np.float64))
        np.testing.assert_allclose(made[:, step, 0], expected, atol=1e-6)


def test_ridge_chooses_its_penalty_on_validation_windows() -> None:
    train, same = windows(seed=3), windows(seed=4)
    rng = np.random.default_rng(0)
    nothing = (
        same[0],
        rng.normal(0, 0.01, same[1].shape).astype(np.float32),
    )  # a break: what was learned is void
    chosen = {}
    for key, valid in (("same", same), ("nothing", nothing)):
        model = built("ridge", l2=None)
        model.fit(*train, seed=1, valid=valid)
        chosen[key] = float(model.arrays["l2"])
        alone = built("ridge", l2=chosen[key])
        alone.fit(*train, seed=1)
        np.testing.assert_array_equal(model.predict(same[0]), alone.predict(same[0]))
        errors = {}
        for strength in lagged.STRENGTHS:
            other = built("ridge", l2=strength)
            other.fit(*train, seed=1)
            errors[strength] = float(np.abs(other.predict(valid[0]) - valid[1]).mean())
        assert chosen[key] == min(errors, key=lambda strength: errors[strength])
    assert chosen["same"] < chosen["nothing"] == lagged.STRENGTHS[-1]
    with pytest.raises(ValueError, match="validation windows"):
        built("ridge", l2=None).fit(*train, seed=1)


def test_trees_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import ensemble

    kept: list[Any] = []
    real = ensemble.GradientBoostingRegressor.fit

    def fit(self: Any, *given: Any) -> Any:
        kept.append(self)
        return real(self, *given)

    monkeypatch.setattr(ensemble.GradientBoostingRegressor, "fit", fit)
    (train, target), (inputs, _) = windows(200), windows(200, seed=4)
    for loss in ("squared_error", "absolute_error", "huber"):
        kept.clear()
        model = built("boosted_trees", trees=15, loss=loss)
        assert isinstance(model, BoostedTrees)
        model.fit(train, target, seed=1)
        made = model.predict(inputs)
        relative, level = model._relative(model.features(inputs))
        assert len(kept) == H
        for step, peer in enumerate(kept):
            expected = peer.predict(relative[step]) + level[:, 0]
            np.testing.assert_allclose(made[:, step, 0], expected, rtol=1e-12, atol=1e-12)


def test_trees_follow_a_level_they_have_not_seen(fitted: dict[str, lag_regressor.LagRegressor]) -> None:
    inputs, _ = windows(seed=4)
    made = fitted["boosted_trees"].predict(inputs)
    higher = {"past": inputs["past"] + np.float32([50.0, 0.0]), "future": inputs["future"]}
    assert np.abs(fitted["boosted_trees"].predict(higher) - made - 50).mean() < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_several_targets_and_no_known_days(name: str) -> None:
    inputs, target = windows(200)
    both = {"past": np.concatenate([inputs["past"][:, :, :1], 10 - inputs["past"][:, :, :1]], axis=2)}
    spec = SPEC | {"targets": ["y", "z"], "future": [], "channels": ["y", "z"]}
    model = built(name, spec)
    model.fit(both, np.concatenate([target, 10 - target], axis=2), seed=1)
    made = model.predict(both)
    assert made.shape == (len(target), H, 2)
    assert np.abs(made.sum(axis=2) - 10).mean() < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_saves_and_loads(name: str, fitted: dict[str, lag_regressor.LagRegressor], tmp_path: Path) -> None:
    inputs, target = windows()
    config = registry.config("forecast", name, chosen(name))
    told = {"task": "forecast", "name": name, "config": config.model_dump(mode="json")}
    write_json(tmp_path / "config.json", told)
    write_json(tmp_path / "spec.json", SPEC)
    fitted[name].save(tmp_path)
    loaded = lag_regressor.load(tmp_path)
    assert loaded.parameters == fitted[name].parameters > 0
    np.testing.assert_array_equal(loaded.predict(inputs), fitted[name].predict(inputs))
    digest = sha256(tmp_path / "model.npz")
    again = built(name)
    again.fit(inputs, target, seed=1)
    again.save(tmp_path)
    assert sha256(tmp_path / "model.npz") == digest  # equal seeds, equal bytes
    (tmp_path / "model.npz").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        lag_regressor.load(tmp_path)


def test_the_seed_decides_which_windows_a_tree_sees() -> None:
    inputs, target = windows(200)
    made = []
    for seed in (1, 2):
        model = built("boosted_trees", trees=10)
        model.fit(inputs, target, seed)
        made.append(model.predict(inputs))
    assert np.abs(made[0] - made[1]).max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("key", "value"), [("lags", 29), ("weeks", [5])])
def test_a_window_too_short_is_told(name: str, key: str, value: Any) -> None:
    with pytest.raises(
        UserError, match=rf"models\.forecast\.{name}\.config\.{key}: asks for .* the window has 28"
    ):
        built(name, **{key: value})


def test_the_combination_is_the_mean_of_its_members_alone() -> None:
    train, valid, (asked, _) = windows(), windows(200, seed=5), windows(seed=4)
    made = []
    for name in ("ridge", "boosted_trees"):
        model = built(name, **({"l2": None} if name == "ridge" else {}))
        model.fit(*train, seed=1, valid=valid)
        made.append(model.predict(asked))
    together = built("combination", l2=None)
    with pytest.raises(ValueError, match="validation windows"):
        together.fit(*train, seed=1)
    together.fit(*train, seed=1, valid=valid)
    np.testing.assert_allclose(together.predict(asked), (made[0] + made[1]) / 2, rtol=1e-12)
    assert np.abs(made[0] - made[1]).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_fitted_forecasts_nothing(name: str) -> None:
    with pytest.raises(ValueError, match="fit or load it first"):
        built(name).predict(windows(60)[0])
