"""The networks of `forecast` on a week that repeats: what they read, what they give, what they learn."""

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
    "window": W,
    "horizon": H,
    "targets": ["y"],
    "covariates": [],
    "future": FUTURE,
    "channels": ["y", *FUTURE],
}
ALONE = SPEC | {"future": [], "channels": ["y"]}
BOTH = SPEC | {"targets": ["y", "z"], "covariates": ["x"], "channels": ["y", "z", "x", *FUTURE]}
NETWORKS = [name for name in registry.names("forecast") if registry.get("forecast", name).kind == "network"]
DECODERS = [name for name in NETWORKS if name.startswith("encoder_decoder")]


def build(name: str, spec: dict[str, Any] | None = None, **config: Any) -> Any:
    import keras

    keras.utils.set_random_seed(3)
    architecture = registry.get("forecast", name)
    told = registry.config("forecast", name, {**architecture.testing.model_dump(), **config})
    return architecture.build(told, SPEC if spec is None else spec)


def a_week_that_repeats() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Windows of a week's pattern with a little noise, and the weekday of each day."""
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
    made = {"past": rng.normal(size=(3, W, len(spec["channels"]))).astype(np.float32)}
    if spec["future"]:
        made["future"] = rng.normal(size=(3, H, len(spec["future"]))).astype(np.float32)
    return made


def train(model: Any, steps: int, **recipe: Any) -> list[float]:
    """So many steps on the week; the losses."""
    import tensorflow as tf

    from strokecast.training import objectives, optimizers, step

    told = ForecastRecipe(**recipe)
    objective = objectives.make("forecast", told, SPEC, model)
    compiled = step.make(model, optimizers.make(told), objective, told.clip_norm)
    inputs, target = a_week_that_repeats()
    tensors, losses = {name: tf.constant(values) for name, values in inputs.items()}, []
    for _ in range(steps):
        compiled.train(tensors, tf.constant(target), np.float32(0.03))
        losses.append(compiled.read()[0])
    return losses


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_the_week_and_its_quantiles_never_cross(name: str) -> None:
    settings = {"head_units": 8, "layers": 1, "stacks": 1} if name not in ("deep_rnn", "wavenet") else {}
    known = set(registry.get("forecast", name).config.model_fields)
    model = build(
        name, quantiles=(0.1, 0.5, 0.9), **{key: value for key, value in settings.items() if key in known}
    )
    train(model, 60)
    inputs, target = a_week_that_repeats()
    made = networks.last_step(model(inputs, training=False).numpy(), H)
    assert made.shape == (B, H, 1, 3)
    assert (np.diff(made, axis=-1) > 0).all()
    constant = np.abs(target - np.median(target)).mean()
    assert np.abs(made[..., 1] - target).mean() < 0.5 * constant


@pytest.mark.parametrize("name", NETWORKS)
def test_each_day_reads_its_own_future_and_none_that_lies_behind_it(name: str) -> None:
    model, inputs = build(name), inputs_of(SPEC)
    assert {tensor.name for tensor in model.inputs} == {"past", "future"}
    plain = networks.last_step(model(inputs).numpy(), H)
    for day in range(H):
        changed = inputs["future"].copy()
        changed[:, day] += 1.0
        other = networks.last_step(model({**inputs, "future": changed}).numpy(), H)
        moved = np.abs(other - plain).reshape(3, H, -1).max(axis=(0, 2))
        assert moved[day] > 1e-6
        beside = np.arange(H) < day if name in DECODERS else np.arange(H) != day
        assert moved[beside].max(initial=0) < 1e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_several_targets_covariates_or_the_past_alone(name: str) -> None:
    steps = (W,) if name == "seq2seq" else ()
    model = build(name, ALONE, quantiles=())
    assert {tensor.name for tensor in model.inputs} == {"past"}
    assert model(inputs_of(ALONE)).shape == (3, *steps, H, 1)
    assert networks.levels(model) == ()
    model = build(name, BOTH, quantiles=(0.3, 0.5), residual="last_week")
    assert model(inputs_of(BOTH)).shape == (3, *steps, H, 2, 2)
    assert networks.levels(model) == (0.3, 0.5)


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("residual", ["none", "last_week"])
def test_teacher_forcing_reads_the_truth_and_inference_its_own_median(name: str, residual: str) -> None:
    from strokecast.models.layers.day_decoder import taught

    for cell in ("gru", "lstm"):
        model, inputs = build(name, BOTH, residual=residual, cell=cell), inputs_of(BOTH)
        own = model(inputs).numpy()  # [3, H, 2, 7]
        teacher = taught(model)
        assert {tensor.name for tensor in teacher.inputs} == {"past", "future", "target"}
        same = teacher({**inputs, "target": own[..., 3]}).numpy()
        np.testing.assert_allclose(same, own, atol=1e-5)
        for day in range(H):  # the true value of a day is read on the next one
            told = own[..., 3].copy()
            told[:, day, 1] += 1.0
            moved = np.abs(teacher({**inputs, "target": told}).numpy() - own).max(axis=(0, 2, 3))
            assert moved[: day + 1].max() < 1e-5
            assert (moved[day + 1 :] > 1e-5).all()
    assert taught(build(name, teacher_forcing=False)) is None
    assert taught(build("gru")) is None


def test_without_a_teacher_it_trains_too() -> None:
    from strokecast.training import objectives

    alone = build("encoder_decoder", teacher_forcing=False)
    losses = train(alone, 12)
    assert losses[-1] < 0.8 * losses[0]
    made = [
        objectives.make("forecast", ForecastRecipe(), SPEC, model)
        for model in (alone, build("encoder_decoder"))
    ]
    assert made[0].taught is None
    assert made[1].taught is not None


@pytest.mark.parametrize("teacher_forcing", [True, False])
def test_dropout_in_the_decoder_is_for_training_alone(teacher_forcing: bool) -> None:
    from strokecast.models.layers.day_decoder import taught

    model, inputs = build("encoder_decoder", dropout=0.5, teacher_forcing=teacher_forcing), inputs_of(SPEC)
    plain = model(inputs).numpy()
    np.testing.assert_array_equal(model(inputs, training=False).numpy(), plain)
    network = taught(model) if teacher_forcing else model
    inputs |= {"target": plain[..., 3]} if teacher_forcing else {}
    assert np.abs(network(inputs, training=True).numpy() - plain).max() > 1e-3
    np.testing.assert_allclose(network(inputs, training=False).numpy(), plain, atol=1e-5)


def test_attention_looks_at_every_day_of_the_window() -> None:
    import keras

    keras.utils.set_random_seed(0)
    from strokecast.models.layers.day_decoder import DayDecoder

    decoder = DayDecoder(4, "gru", H, attention=True)
    rng = np.random.default_rng(0)
    given = {
        "past": rng.normal(size=(2, W, 3)).astype(np.float32),
        "hidden": rng.normal(size=(2, 4)).astype(np.float32),
        "memory": rng.normal(size=(2, W, 4)).astype(np.float32),
    }
    plain = decoder(given).numpy()
    for day in range(W):
        changed = given["memory"].copy()
        changed[:, day] += 0.5
        assert (np.abs(decoder({**given, "memory": changed}).numpy() - plain) > 1e-6).all()
    later = given["past"].copy()
    later[:, :-1] += 1.0  # of the window itself it reads the last day alone
    np.testing.assert_array_equal(decoder({**given, "past": later}).numpy(), plain)


def test_seq2seq_sees_at_each_step_what_was_known_then() -> None:
    model, inputs = build("seq2seq", quantiles=()), inputs_of(SPEC)
    plain = model(inputs).numpy()  # [3, W, H, 1]
    changed = inputs["past"].copy()
    changed[:, 9, 0] += 1.0  # a value: no step before it knows
    moved = np.abs(model({**inputs, "past": changed}).numpy() - plain).max(axis=(0, 2, 3))
    assert moved[:9].max() < 1e-6 < moved[9:].min()
    changed = inputs["past"].copy()
    changed[:, 9, 1] += 1.0  # a day's calendar: known H days before
    moved = np.abs(model({**inputs, "past": changed}).numpy() - plain).max(axis=(0, 3))  # [W, H]
    for step in range(9):
        ahead = 9 - step - 1
        assert (moved[step] > 1e-6).tolist() == [day == ahead for day in range(H)]


def test_seq2seq_needs_a_window_longer_than_the_horizon() -> None:
    with pytest.raises(UserError, match=r"needs one longer than the horizon \(14 days\), the window has 14"):
        build("seq2seq", SPEC | {"horizon": 14})


@pytest.mark.parametrize(
    ("window", "kernel", "stride"), [(14, 4, 2), (13, 4, 3), (15, 2, 2), (7, 5, 5), (9, 3, 1)]
)
def test_conv_gru_shortens_the_window_and_passes_over_no_day(window: int, kernel: int, stride: int) -> None:
    model = build(
        "conv_gru", SPEC | {"window": window}, kernel=kernel, stride=stride, filters=24, quantiles=()
    )
    assert model.get_layer("conv").output.shape[1] == -(-window // stride)
    rng = np.random.default_rng(1)
    past = np.repeat(rng.normal(size=(1, window, 3)).astype(np.float32), window + 1, axis=0)
    past[np.arange(window), np.arange(window)] += 1.0  # row d differs from the last on day d
    made = model({"past": past, "future": np.zeros((window + 1, H, 2), np.float32)}).numpy()
    assert (np.abs(made[:-1] - made[-1]).max(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize(("name", "reach"), [("wavenet", 1 + 2 * 3), ("wavenet_gated", 1 + 2 * 3)])
def test_wavenets_see_as_far_as_their_files_say(name: str, reach: int) -> None:
    depth = {"layers": 2} if name == "wavenet" else {"blocks": 2}
    model = build(name, quantiles=(), stacks=2, filters=24, **depth)
    rng = np.random.default_rng(1)
    past = np.repeat(rng.normal(size=(1, W, 3)).astype(np.float32), W + 1, axis=0)
    past[np.arange(W), np.arange(W)] += 1.0
    made = model({"past": past, "future": np.zeros((W + 1, H, 2), np.float32)}).numpy()
    assert int((np.abs(made[:-1] - made[-1]).max(axis=(1, 2)) > 0).sum()) == reach
