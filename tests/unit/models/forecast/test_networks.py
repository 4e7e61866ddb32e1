"""Forecasting networks on a weekly pattern: inputs, outputs and what they learn."""

from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.inference import networks
from strokecast.models.common import registry
from strokecast.params import ForecastRecipe

W, H, B = 14, 4, 48
FUTURE = ["weekday_sin", "weekday_cos"]
SPEC = {
    "task": "forecast",
    "input_size": W,
    "horizon": H,
    "targets": ["y"],
    "past_covariates": [],
    "future": FUTURE,
    "channels": ["y", *FUTURE],
}
PAST_ONLY = SPEC | {"future": [], "channels": ["y"]}
MULTIVARIATE = SPEC | {"targets": ["y", "z"], "past_covariates": ["x"], "channels": ["y", "z", "x", *FUTURE]}
NETWORKS = [name for name in registry.names("forecast") if registry.get("forecast", name).kind == "network"]
FAST_TO_TRAIN = ("linear", "lstm", "wavenet")  # one per kind; `make test-slow` trains the others
FAST_TO_READ = (*FAST_TO_TRAIN, "encoder_decoder", "nhits")  # one per way of reading known features
DECODERS = [name for name in NETWORKS if name.startswith("encoder_decoder")]
READS_EARLIER_DAYS = (*DECODERS, "tft")  # a forecast day depends on the known features of the days up to it
READS_ALL_DAYS = ("nbeatsx", "nhits", "tsmixer")  # on those of the whole horizon
NORMALIZED = ("nlinear", "patchtst", "tsmixer")  # by the window's own statistics


def slow_but(fast: tuple[str, ...]) -> list[Any]:
    """All networks as parameters of a test; those not in `fast` run in `make test-slow`."""
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in NETWORKS]


def build(name: str, spec: dict[str, Any] | None = None, **changes: Any) -> Any:
    import keras

    keras.utils.set_random_seed(3)
    architecture = registry.get("forecast", name)
    config = registry.config("forecast", name, {**architecture.testing.model_dump(), **changes})
    return architecture.build(config, SPEC if spec is None else spec)


def weekly_windows() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Windows of a weekly pattern with little noise, with the weekday as a known feature."""
    rng = np.random.default_rng(0)
    days = np.arange(B + W + H)
    values = np.array([1.5, 0.2, -1.0, 0.4, -0.3, 0.9, -1.7])[days % 7] + 0.05 * rng.normal(size=len(days))
    week = np.stack([np.sin(days * 2 * np.pi / 7), np.cos(days * 2 * np.pi / 7)], axis=1)
    series = np.concatenate([values[:, None], week], axis=1).astype(np.float32)
    past = np.stack([series[n : n + W] for n in range(B)])
    ahead = np.stack([series[n + W : n + W + H] for n in range(B)])
    return {"past": past, "future": ahead[:, :, 1:]}, ahead[:, :, :1]


def inputs_of(spec: dict[str, Any]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    inputs = {"past": rng.normal(size=(3, W, len(spec["channels"]))).astype(np.float32)}
    if spec["future"]:
        inputs["future"] = rng.normal(size=(3, H, len(spec["future"]))).astype(np.float32)
    return inputs


def train(model: Any, n_steps: int, **recipe: Any) -> list[float]:
    """Train for `n_steps` steps on the weekly windows; returns the losses."""
    import tensorflow as tf

    from strokecast.training import objectives, optimizers, steps

    settings = ForecastRecipe(**recipe)
    objective = objectives.make("forecast", settings, SPEC, model)
    compiled = steps.compile_steps(model, optimizers.make(settings), objective, settings.global_clipnorm)
    inputs, target = weekly_windows()
    tensors, losses = {name: tf.constant(values) for name, values in inputs.items()}, []
    for _ in range(n_steps):
        compiled.train(tensors, tf.constant(target), np.float32(0.03))
        losses.append(compiled.read_totals()[0])
    return losses


@pytest.mark.slow
@pytest.mark.parametrize("name", slow_but(FAST_TO_TRAIN))
def test_learns_the_weekly_pattern_with_ordered_quantiles(name: str) -> None:
    settings = (
        {"head_units": 8, "layers": 1, "stacks": 1} if name not in ("deep_rnn", "wavenet", "nbeatsx") else {}
    )
    keys = set(registry.get("forecast", name).config.model_fields)
    model = build(
        name, quantiles=(0.1, 0.5, 0.9), **{key: value for key, value in settings.items() if key in keys}
    )
    train(model, 60)
    inputs, target = weekly_windows()
    forecast = networks.last_step(model(inputs, training=False).numpy(), H)
    assert forecast.shape == (B, H, 1, 3)
    assert (np.diff(forecast, axis=-1) > 0).all()
    constant_error = np.abs(target - np.median(target)).mean()
    assert np.abs(forecast[..., 1] - target).mean() < 0.5 * constant_error


@pytest.mark.parametrize("name", slow_but(FAST_TO_READ))
def test_each_day_depends_on_its_own_known_features_and_no_others_than_stated(name: str) -> None:
    model, inputs = build(name), inputs_of(SPEC)
    assert {tensor.name for tensor in model.inputs} == {"past", "future"}
    plain = networks.last_step(model(inputs).numpy(), H)
    for day in range(H):
        changed = inputs["future"].copy()
        changed[:, day] += 1.0
        other = networks.last_step(model({**inputs, "future": changed}).numpy(), H)
        moved = np.abs(other - plain).reshape(3, H, -1).max(axis=(0, 2))
        assert moved[day] > 1e-6
        if name in READS_ALL_DAYS:
            assert (moved > 1e-6).all()
            continue
        independent = np.arange(H) < day if name in READS_EARLIER_DAYS else np.arange(H) != day
        assert moved[independent].max(initial=0) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_several_targets_past_covariates_or_no_known_features(name: str) -> None:
    steps = (W,) if name == "seq2seq" else ()
    model = build(name, PAST_ONLY, quantiles=())
    assert {tensor.name for tensor in model.inputs} == {"past"}
    assert model(inputs_of(PAST_ONLY)).shape == (3, *steps, H, 1)
    assert networks.quantile_levels(model) == ()
    model = build(name, MULTIVARIATE, quantiles=(0.3, 0.5), residual="last_week")
    assert model(inputs_of(MULTIVARIATE)).shape == (3, *steps, H, 2, 2)
    assert networks.quantile_levels(model) == (0.3, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("residual", ["none", "last_week"])
def test_decoder_reads_the_true_value_in_training_and_its_own_median_in_inference(
    name: str, residual: str
) -> None:
    from strokecast.models.layers.day_decoder import teacher_forced_model

    for cell in ("gru", "lstm"):
        model, inputs = build(name, MULTIVARIATE, residual=residual, cell=cell), inputs_of(MULTIVARIATE)
        forecast = model(inputs).numpy()  # [3, H, 2, 7]
        training_model = teacher_forced_model(model)
        assert {tensor.name for tensor in training_model.inputs} == {"past", "future", "target"}
        with_own_medians = training_model({**inputs, "target": forecast[..., 3]}).numpy()
        np.testing.assert_allclose(with_own_medians, forecast, atol=1e-5)
        for day in range(H):  # the true value of a day is read on the next one
            target = forecast[..., 3].copy()
            target[:, day, 1] += 1.0
            output = training_model({**inputs, "target": target}).numpy()
            moved = np.abs(output - forecast).max(axis=(0, 2, 3))
            assert moved[: day + 1].max() < 1e-5
            assert (moved[day + 1 :] > 1e-5).all()
    assert teacher_forced_model(build(name, teacher_forcing=False)) is None
    assert teacher_forced_model(build("gru")) is None


@pytest.mark.slow
def test_trains_without_teacher_forcing() -> None:
    from strokecast.training import objectives

    model = build("encoder_decoder", teacher_forcing=False)
    losses = train(model, 12)
    assert losses[-1] < 0.8 * losses[0]
    without, with_teacher = (
        objectives.make("forecast", ForecastRecipe(), SPEC, network)
        for network in (model, build("encoder_decoder"))
    )
    assert without.teacher_forced is None
    assert with_teacher.teacher_forced is not None


@pytest.mark.parametrize("teacher_forcing", [True, False])
def test_decoder_dropout_applies_in_training_only(teacher_forcing: bool) -> None:
    from strokecast.models.layers.day_decoder import teacher_forced_model

    model, inputs = build("encoder_decoder", dropout=0.5, teacher_forcing=teacher_forcing), inputs_of(SPEC)
    plain = model(inputs).numpy()
    np.testing.assert_array_equal(model(inputs, training=False).numpy(), plain)
    network = teacher_forced_model(model) if teacher_forcing else model
    inputs |= {"target": plain[..., 3]} if teacher_forcing else {}
    assert np.abs(network(inputs, training=True).numpy() - plain).max() > 1e-3
    np.testing.assert_allclose(network(inputs, training=False).numpy(), plain, atol=1e-5)


def test_attention_depends_on_every_day_of_the_window() -> None:
    import keras

    keras.utils.set_random_seed(0)
    from strokecast.models.layers.day_decoder import DayDecoder

    decoder = DayDecoder(4, "gru", H, attention=True)
    rng = np.random.default_rng(0)
    inputs = {
        "past": rng.normal(size=(2, W, 3)).astype(np.float32),
        "hidden": rng.normal(size=(2, 4)).astype(np.float32),
        "memory": rng.normal(size=(2, W, 4)).astype(np.float32),
    }
    plain = decoder(inputs).numpy()
    for day in range(W):
        changed = inputs["memory"].copy()
        changed[:, day] += 0.5
        assert (np.abs(decoder({**inputs, "memory": changed}).numpy() - plain) > 1e-6).all()
    earlier_days = inputs["past"].copy()
    earlier_days[:, :-1] += 1.0  # the decoder itself reads only the last day of the window
    np.testing.assert_array_equal(decoder({**inputs, "past": earlier_days}).numpy(), plain)


def test_seq2seq_steps_depend_only_on_what_was_known_at_that_day() -> None:
    model, inputs = build("seq2seq", quantiles=()), inputs_of(SPEC)
    plain = model(inputs).numpy()  # [3, W, H, 1]
    changed = inputs["past"].copy()
    changed[:, 9, 0] += 1.0  # a value is unknown before its day
    moved = np.abs(model({**inputs, "past": changed}).numpy() - plain).max(axis=(0, 2, 3))
    assert moved[:9].max() < 1e-6 < moved[9:].min()
    changed = inputs["past"].copy()
    changed[:, 9, 1] += 1.0  # the calendar of a day is known H days ahead
    moved = np.abs(model({**inputs, "past": changed}).numpy() - plain).max(axis=(0, 3))  # [W, H]
    for step in range(9):
        ahead = 9 - step - 1
        assert (moved[step] > 1e-6).tolist() == [day == ahead for day in range(H)]


def test_seq2seq_needs_a_window_longer_than_the_horizon() -> None:
    with pytest.raises(
        UserError, match=r"needs a window longer than the horizon \(14 days\), the window has 14"
    ):
        build("seq2seq", SPEC | {"horizon": 14})


@pytest.mark.parametrize(
    ("window", "kernel", "stride"), [(14, 4, 2), (13, 4, 3), (15, 2, 2), (7, 5, 5), (9, 3, 1)]
)
def test_conv_gru_shortens_the_window_and_reads_every_day(window: int, kernel: int, stride: int) -> None:
    model = build(
        "conv_gru", SPEC | {"input_size": window}, kernel=kernel, stride=stride, filters=24, quantiles=()
    )
    assert model.get_layer("conv").output.shape[1] == -(-window // stride)
    rng = np.random.default_rng(1)
    past = np.repeat(rng.normal(size=(1, window, 3)).astype(np.float32), window + 1, axis=0)
    past[np.arange(window), np.arange(window)] += 1.0  # row d differs from the last on day d
    forecast = model({"past": past, "future": np.zeros((window + 1, H, 2), np.float32)}).numpy()
    assert (np.abs(forecast[:-1] - forecast[-1]).max(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize(("name", "reach"), [("wavenet", 1 + 2 * 3), ("wavenet_gated", 1 + 2 * 3)])
def test_receptive_field_of_wavenets_equals_the_documented_one(name: str, reach: int) -> None:
    depth = {"layers": 2} if name == "wavenet" else {"blocks": 2}
    model = build(name, quantiles=(), stacks=2, filters=24, **depth)
    rng = np.random.default_rng(1)
    past = np.repeat(rng.normal(size=(1, W, 3)).astype(np.float32), W + 1, axis=0)
    past[np.arange(W), np.arange(W)] += 1.0
    forecast = model({"past": past, "future": np.zeros((W + 1, H, 2), np.float32)}).numpy()
    assert int((np.abs(forecast[:-1] - forecast[-1]).max(axis=(1, 2)) > 0).sum()) == reach


@pytest.mark.parametrize("name", ["nbeatsx", "nhits", "nlinear", "patchtst", "tft", "tsmixer"])
def test_a_window_and_a_horizon_of_one_day(name: str) -> None:
    one_day = SPEC | {"input_size": 1, "horizon": 1}
    model = build(name, one_day, **({"patch": 1, "stride": 1} if name == "patchtst" else {}))
    inputs = {"past": np.ones((3, 1, 3), np.float32), "future": np.ones((3, 1, 2), np.float32)}
    assert np.isfinite(model(inputs).numpy()).all()
    assert model.output_shape == (None, 1, 1, 7)


@pytest.mark.parametrize("residual", ["none", "last_week"])
@pytest.mark.parametrize("name", NORMALIZED)
def test_a_forecast_moves_with_level_and_spread_of_the_window(name: str, residual: str) -> None:
    model, inputs = build(name, MULTIVARIATE, residual=residual), inputs_of(MULTIVARIATE)
    level = np.array([30.0, -8.0], np.float32)  # of the two targets
    spread = np.array([1.0, 1.0] if name == "nlinear" else [5.0, 0.5], np.float32)
    moved = inputs["past"].copy()
    moved[:, :, :2] = moved[:, :, :2] * spread + level
    expected = model(inputs).numpy() * spread[:, None] + level[:, None]
    np.testing.assert_allclose(model({**inputs, "past": moved}).numpy(), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", ["nlinear", "patchtst"])
def test_independent_channels_do_not_read_each_other(name: str) -> None:
    linear_head = {"head_units": 0} if name == "patchtst" else {}
    model, inputs = build(name, MULTIVARIATE, **linear_head), inputs_of(MULTIVARIATE)
    changed = inputs["past"].copy()
    changed[:, 3, 1:] += 1.0  # the second target and the past covariate
    moved = np.abs(model({**inputs, "past": changed}).numpy() - model(inputs).numpy()).max(axis=(0, 1, 3))
    assert moved[0] == 0
    assert moved[1] > 1e-6


def test_patchtst_reads_every_day_and_needs_a_window_as_long_as_a_patch() -> None:
    for patch, stride in ((5, 3), (14, 14), (4, 4)):
        model = build("patchtst", quantiles=(), patch=patch, stride=stride)
        past = np.repeat(inputs_of(SPEC)["past"][:1], W + 1, axis=0)
        past[np.arange(W), np.arange(W), 0] += 1.0  # row d differs from the last on day d
        forecast = model({"past": past, "future": np.zeros((W + 1, H, 2), np.float32)}).numpy()
        assert (np.abs(forecast[:-1] - forecast[-1]).max(axis=(1, 2)) > 0).all()
    with pytest.raises(UserError, match=r"patch: 15 is longer than the window of 14 days; .*1 to 14"):
        build("patchtst", patch=15)


def test_nbeatsx_has_no_exogenous_basis_without_known_features() -> None:
    for spec, coefficients in ((SPEC, len(FUTURE)), (PAST_ONLY, H)):
        layer = build("nbeatsx", spec, stacks=("exogenous", "trend")).get_layer(
            "exogenous_1_1_forecast_coefficients"
        )
        assert layer.units == 7 * coefficients  # per quantile


def test_tft_reads_the_flags_of_series_as_static_covariates() -> None:
    flags = ["series: a", "series: b"]
    spec = SPEC | {"future": [*FUTURE, *flags], "channels": ["y", *FUTURE, *flags], "series_ids": ["a", "b"]}
    model, inputs = build("tft", spec), inputs_of(spec)
    assert model.get_layer("past_variables_weights").output.shape == (None, W, 1 + 2 + 1)
    assert model.get_layer("future_variables_weights").output.shape == (None, H, 2 + 1)
    plain = model(inputs).numpy()
    changed = {name: values.copy() for name, values in inputs.items()}
    changed["past"][:, -1, 3:] += 1.0
    assert (np.abs(model(changed).numpy() - plain) > 1e-7).any(axis=(2, 3)).all()
    only_flags = SPEC | {"future": flags, "channels": ["y", *flags], "series_ids": ["a", "b"]}
    assert np.isfinite(build("tft", only_flags)(inputs_of(only_flags)).numpy()).all()


def test_tft_weighs_the_variables_of_each_day() -> None:
    import keras

    model = build("tft")
    weights = keras.Model(model.inputs, model.get_layer("past_variables_weights").output)(
        inputs_of(SPEC)
    ).numpy()
    assert weights.min() > 0
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
