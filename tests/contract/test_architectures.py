"""Every registered architecture passes the same checks. A new architecture needs one line in TABLE.

Each network is built and traced once, and all checks share the result.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.models.common import registry
from strokecast.params import RECIPES, TASKS


@dataclass(frozen=True)
class Line:
    """The expected properties of one architecture.

    Attributes:
        testing, default: parameters with the testing config and with the default config.
        min_history: statistical forecasters: minimum days of history.
        inputs: watch: inputs in addition to `frames`.
        forecast: forecast: output shape of a network with the testing config: (days, targets, quantiles).
    """

    task: str
    name: str
    testing: int
    default: int
    min_history: int | None = None
    kind: str = "network"
    inputs: tuple[str, ...] = ()
    forecast: tuple[int, ...] = (7, 1, 7)

    def __str__(self) -> str:
        return f"{self.task}-{self.name}"


TABLE = [
    Line("classify", "attention_rnn", testing=3000, default=69644),
    Line("classify", "conv_bilstm", testing=2630, default=241468),
    Line("classify", "conv_rnn", testing=1726, default=302252),
    Line("classify", "gru", testing=1260, default=91020),
    Line("classify", "layer_norm_lstm", testing=1676, default=84492),
    Line("classify", "logistic", testing=502, default=502, kind="estimator"),
    Line("classify", "lstm", testing=1580, default=120204),
    Line("classify", "nearest_neighbour", testing=4808, default=2662, kind="estimator"),
    Line("classify", "raster_cnn", testing=840, default=93932),
    Line("classify", "simple_rnn", testing=612, default=37644),
    Line("classify", "transformer", testing=1444, default=44556),
    Line("classify", "wavenet", testing=1662, default=113436),
    Line("draw", "class_decoder", testing=779, default=132255),
    Line("draw", "sketch_rnn", testing=1556, default=189152),
    Line("watch", "cnn_rnn", testing=1660, default=137308),
    Line("watch", "cnn_rnn_strokes", testing=2077, default=173372, inputs=("track",)),
    Line("watch", "conv3d", testing=2420, default=123484),
    Line("watch", "conv_lstm", testing=1768, default=89036),
    Line("watch", "frame_average", testing=1477, default=90268),
    Line("watch", "inflated", testing=1735, default=137148),
    Line("watch", "two_stream", testing=4453, default=222172, inputs=("motion",)),
    Line("watch", "video_transformer", testing=1180, default=115084),
    Line("forecast", "auto_arima", testing=0, default=0, min_history=42, kind="rule"),
    Line("forecast", "auto_ces", testing=0, default=0, min_history=21, kind="rule"),
    Line("forecast", "auto_ets", testing=0, default=0, min_history=21, kind="rule"),
    Line("forecast", "boosted_trees", testing=1232, default=108507, kind="estimator"),
    Line("forecast", "calendar_ridge", testing=0, default=0, min_history=56, kind="rule"),
    Line("forecast", "combination", testing=1533, default=108976, kind="estimator"),
    Line("forecast", "conv_gru", testing=959, default=16401),
    Line("forecast", "deep_rnn", testing=665, default=14577),
    Line("forecast", "dynamic_optimized_theta", testing=0, default=0, min_history=21, kind="rule"),
    Line("forecast", "encoder_decoder", testing=1009, default=9617),
    Line("forecast", "encoder_decoder_attention", testing=1161, default=11889),
    Line("forecast", "gru", testing=1241, default=13073),
    Line("forecast", "layer_norm_rnn", testing=681, default=10449),
    Line("forecast", "foundation", testing=0, default=0, min_history=28, kind="rule"),
    Line("forecast", "lightgbm", testing=0, default=0, min_history=56, kind="rule"),
    Line("forecast", "linear", testing=405, default=2835, forecast=(7, 1)),
    Line("forecast", "lstm", testing=1457, default=14257),
    Line("forecast", "mstl", testing=0, default=0, min_history=56, kind="rule"),
    Line("forecast", "nbeatsx", testing=11623, default=138985),
    Line("forecast", "nhits", testing=5621, default=100165),
    Line("forecast", "nlinear", testing=2835, default=2835),
    Line("forecast", "patchtst", testing=3819, default=77393),
    Line("forecast", "ridge", testing=301, default=469, kind="estimator"),
    Line("forecast", "sarima", testing=0, default=0, min_history=42, kind="rule"),
    Line("forecast", "seasonal_naive_364", testing=0, default=0, min_history=364, kind="rule"),
    Line("forecast", "seasonal_naive_7", testing=0, default=0, min_history=7, kind="rule"),
    Line("forecast", "seq2seq", testing=1241, default=13073, forecast=(56, 7, 1, 7)),
    Line("forecast", "simple_rnn", testing=529, default=10417),
    Line("forecast", "statistical_ensemble", testing=0, default=0, min_history=42, kind="rule"),
    Line("forecast", "tft", testing=5914, default=9570),
    Line("forecast", "tsmixer", testing=1184, default=14012),
    Line("forecast", "wavenet", testing=669, default=24177),
    Line("forecast", "wavenet_gated", testing=1353, default=13681),
]

FUTURE = ["weekday_sin", "weekday_cos", "year_sin", "year_cos", "holiday", "lag_364"]
SPECS: dict[str, dict[str, Any]] = {
    "classify": {"task": "classify", "classes": [f"class {i}" for i in range(12)]},
    "draw": {"task": "draw", "classes": [f"class {i}" for i in range(12)]},
    "watch": {
        "task": "watch",
        "classes": [f"class {i}" for i in range(12)],
        "frames": 12,
        "height": 28,
        "width": 28,
        "steps_per_frame": 16,
    },
    "forecast": {
        "task": "forecast",
        "input_size": 56,
        "horizon": 7,
        "targets": ["y"],
        "past_covariates": [],
        "future": FUTURE,
        "channels": ["y", *FUTURE],
    },
}
CLASSES = 12
MIXTURE = 6 * 2 + 3  # draw: mixture parameters per step with the two components of the testing configs
B, T = 6, 24

NETWORKS = [line for line in TABLE if line.kind == "network"]
CLASSIFIERS = [line for line in NETWORKS if line.task == "classify"]
GENERATORS = [line for line in NETWORKS if line.task == "draw"]
COMPILED = {  # numba compiles the first two for half a minute
    *("forecast-auto_ces", "forecast-statistical_ensemble", "forecast-auto_arima"),
}
FAST_TO_TRAIN = {  # the cheapest networks per task; `make test-slow` trains the others
    *("classify-simple_rnn", "watch-frame_average", "forecast-linear"),
}
MIXED = {"classify-gru", "watch-frame_average", "draw-class_decoder", "forecast-linear"}
CUDNN_IN_TEST = {"classify-lstm", "draw-class_decoder"}  # `make test-slow` checks the others
SLOW_TO_BUILD = {  # `make test` counts their parameters; `make test-slow` runs, saves and loads them
    *("classify-conv_bilstm", "watch-conv_lstm", "watch-cnn_rnn_strokes", "watch-two_stream"),
    *("watch-video_transformer", "forecast-deep_rnn", "forecast-layer_norm_rnn", "forecast-conv_gru"),
    *("forecast-wavenet_gated", "forecast-seq2seq", "forecast-encoder_decoder"),
    *("forecast-encoder_decoder_attention", "forecast-tft", "forecast-tsmixer", "forecast-nbeatsx"),
    *("forecast-nhits", "forecast-patchtst", "forecast-gru"),
    *("classify-attention_rnn", "classify-wavenet", "classify-layer_norm_lstm"),
}


def cases(lines: Iterable[Line], slow: Container[str]) -> list[Any]:
    """Parameters of a test; those of the lines named in `slow` run in `make test-slow`."""
    return [
        pytest.param(line, id=str(line), marks=pytest.mark.slow if str(line) in slow else ())
        for line in lines
    ]


STATISTICAL = cases((line for line in TABLE if line.kind == "rule"), COMPILED)
TRAINED = cases(NETWORKS, {str(line) for line in NETWORKS} - FAST_TO_TRAIN)
BUILT = cases(NETWORKS, SLOW_TO_BUILD)
BUILT_WITHOUT_DRAW = cases((line for line in NETWORKS if line.task != "draw"), SLOW_TO_BUILD)
ESTIMATORS = [line for line in TABLE if line.kind == "estimator" and line.task == "classify"]
REGRESSIONS = [line for line in TABLE if line.kind == "estimator" and line.task == "forecast"]


@cache
def inputs_of(line: Line, padding: int = 0) -> dict[str, Any]:
    """Random inputs of a network; `padding` steps of zeros are appended to strokes. Do not change them."""
    rng = np.random.default_rng(3)
    if line.task == "watch":
        frames = rng.integers(0, 256, (B, 12, 28, 28)).astype(np.uint8)
        motion = np.diff(frames / np.float32(255), axis=1, prepend=np.float32(0))
        track = rng.normal(size=(B, 12 * 16, 3)).astype(np.float32)
        inputs = {"frames": frames, "motion": motion, "track": track}
        return {name: inputs[name] for name in ("frames", *line.inputs)}
    if line.task == "forecast":
        shapes = {"past": (B, 56, 1 + len(FUTURE)), "future": (B, 7, len(FUTURE))}
        return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    length = np.array([1, 2, 9, 16, 23, 24], np.int32)
    strokes = rng.normal(size=(B, T, 3)).astype(np.float32)
    strokes[np.arange(T) >= length[:, None]] = 0
    inputs = {"strokes": np.pad(strokes, ((0, 0), (0, padding), (0, 0))), "length": length}
    return inputs | ({"label": np.arange(B)} if line.task == "draw" else {})


def target_of(task: str) -> Any:
    rng = np.random.default_rng(4)
    if task == "forecast":
        return rng.normal(size=(B, 7, 1)).astype(np.float32)
    if task == "draw":
        from strokecast.features.records import reading

        return reading.stroke5_target(inputs_of(GENERATORS[0])).numpy()
    return rng.integers(0, 12, B).astype(np.int64)


def main_output(output: Any) -> Any:
    """The output to compare, as numpy: the mixture of networks that draw."""
    return (output["mixture"] if isinstance(output, dict) else output).numpy()


class BuiltNetwork:
    """A network with its testing config. Tests share it and leave its weights as they found them."""

    def __init__(self, line: Line) -> None:
        import keras

        self.line = line
        keras.utils.set_random_seed(0)
        architecture = registry.get(line.task, line.name)
        self.model = architecture.build(architecture.testing, SPECS[line.task])

    @cached_property
    def predict(self) -> Any:
        """The model in inference mode, traced once for all lengths and batch sizes."""
        from strokecast.inference import networks

        return networks.inference_function(self.model)

    @cached_property
    def predict_training(self) -> Any:
        """The same in training mode."""
        import tensorflow as tf

        from strokecast.inference import networks

        signature = [networks.input_signature(self.model)]
        return tf.function(
            lambda inputs: self.model(inputs, training=True), input_signature=signature, autograph=False
        )

    @cached_property
    def output(self) -> Any:
        """Outputs in inference mode for `inputs_of(line)`."""
        return self.predict(inputs_of(self.line))


@cache
def network(line: Line) -> BuiltNetwork:
    return BuiltNetwork(line)


@pytest.mark.parametrize("task", TASKS)
def test_every_registered_architecture_has_its_line(task: str) -> None:
    assert sorted(line.name for line in TABLE if line.task == task) == registry.names(task)


@pytest.mark.parametrize("line", TABLE, ids=str)
def test_kind_and_names(line: Line) -> None:
    architecture = registry.get(line.task, line.name)
    assert (architecture.task, architecture.name) == (line.task, line.name)
    assert architecture.kind == line.kind
    assert isinstance(architecture.testing, architecture.config)


@pytest.mark.parametrize("line", BUILT_WITHOUT_DRAW)
def test_output_shape_and_dtype(line: Line) -> None:
    model, output = network(line).model, network(line).output
    shape = line.forecast if line.task == "forecast" else (CLASSES,)
    assert model.output_shape == (None, *shape)
    assert tuple(output.shape) == (B, *shape)
    assert output.dtype == "float32"
    assert np.isfinite(output.numpy()).all()
    assert {tensor.name for tensor in model.inputs} == set(inputs_of(line))


@pytest.mark.parametrize("training", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("line", CLASSIFIERS, ids=str)
def test_padding_does_not_change_the_output(line: Line, training: bool) -> None:
    model = network(line).model
    run = network(line).predict_training if training else network(line).predict
    weights = model.get_weights()
    expected = run(inputs_of(line)).numpy()
    model.set_weights(weights)  # a pass in training mode updates the moments of batch normalisation
    for padding in (1, 2, 13):
        padded = run(inputs_of(line, padding)).numpy()
        model.set_weights(weights)
        np.testing.assert_allclose(padded, expected, atol=1e-5)
    if not training:  # a drawing of one point, without padding
        single = {name: values[:1] for name, values in inputs_of(line).items()}
        single["strokes"] = single["strokes"][:, :1]
        np.testing.assert_allclose(run(single).numpy(), expected[:1], atol=1e-5)


def moved_point(line: Line, point: int) -> dict[str, Any]:
    """The inputs with another move and pen state at one point of the last drawing."""
    strokes = inputs_of(line)["strokes"].copy()
    strokes[5, point] += (1.0, 1.0, -2.0 if strokes[5, point, 2] > 0.5 else 2.0)
    return {**inputs_of(line), "strokes": strokes}


@pytest.mark.parametrize("line", CLASSIFIERS, ids=str)
def test_output_depends_on_every_point(line: Line) -> None:
    expected = network(line).output.numpy()
    for point in (0, 11, 23):
        output = network(line).predict(moved_point(line, point)).numpy()
        assert np.abs(output[5] - expected[5]).max() > 1e-7
        np.testing.assert_allclose(output[:5], expected[:5], atol=1e-6)


@pytest.mark.parametrize("line", GENERATORS, ids=str)
def test_generator_output_is_a_mixture_per_step_and_one_more(line: Line) -> None:
    model, output = network(line).model, network(line).output
    assert model.output["mixture"].shape == (None, None, MIXTURE)
    shapes = {"mixture": (B, T + 1, MIXTURE), "kl": (B,), "penalty": (B,)}
    assert set(output) == ({"mixture"} if line.name == "class_decoder" else set(shapes))
    for name, values in output.items():
        assert (tuple(values.shape), values.dtype) == (shapes[name], "float32")
        assert np.isfinite(values.numpy()).all()
    assert {tensor.name for tensor in model.inputs} == {"strokes", "length", "label"}


@pytest.mark.parametrize("line", GENERATORS, ids=str)
def test_padding_does_not_change_the_mixture(line: Line) -> None:
    run, inputs, expected = network(line).predict, inputs_of(line), network(line).output
    padded = run(inputs_of(line, padding=13))
    single = run({name: values[:1, :1] if values.ndim > 1 else values[:1] for name, values in inputs.items()})
    for row, length in enumerate(inputs["length"]):
        steps = expected["mixture"][row, : length + 1].numpy()
        np.testing.assert_allclose(padded["mixture"][row, : length + 1].numpy(), steps, atol=1e-5)
    np.testing.assert_allclose(single["mixture"].numpy(), expected["mixture"][:1, :2].numpy(), atol=1e-5)
    for name in set(expected) - {"mixture"}:
        np.testing.assert_allclose(padded[name].numpy(), expected[name].numpy(), atol=1e-6)


@pytest.mark.parametrize("line", GENERATORS, ids=str)
def test_mixture_depends_on_the_class_and_on_earlier_points(line: Line) -> None:
    run, inputs, expected = network(line).predict, inputs_of(line), main_output(network(line).output)
    for point in (0, 11, 23):
        change = np.abs(main_output(run(moved_point(line, point))) - expected).max(axis=2)
        assert (change[5, point + 1 :] > 1e-7).all()
        assert change[:5].max() < 1e-6
        if line.name == "class_decoder":  # causal
            assert change[5, : point + 1].max() < 1e-6
        else:  # the latent vector depends on the whole drawing
            assert change[5, 0] > 1e-7
    other_class = main_output(run({**inputs, "label": (inputs["label"] + 1) % 12}))
    assert (np.abs(other_class - expected).max(axis=2) > 1e-7).all()


@pytest.mark.parametrize("line", TRAINED)
def test_one_training_step_lowers_the_loss(line: Line) -> None:
    import tensorflow as tf

    from strokecast.training import objectives, optimizers, steps

    recipe, model = RECIPES[line.task](), network(line).model
    weights = model.get_weights()
    objective = objectives.make(line.task, recipe, SPECS[line.task], model)
    compiled = steps.compile_steps(model, optimizers.make(recipe), objective, recipe.global_clipnorm)
    inputs = {name: tf.constant(values) for name, values in inputs_of(line).items()}
    losses = []
    for _ in range(2):  # the second loss is computed after the first update
        compiled.train(inputs, tf.constant(target_of(line.task)), np.float32(1e-3))
        losses.append(compiled.read_totals()[0])
    model.set_weights(weights)
    assert losses[1] < losses[0]


@pytest.mark.parametrize("line", cases(NETWORKS, {str(line) for line in NETWORKS} - CUDNN_IN_TEST))
def test_layers_run_on_cudnn_if_that_is_said(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras's own decision, with a GPU pretended, against `training.cudnn`; and cuDNN accepts the masks."""
    import tensorflow as tf

    from strokecast.models.layers.day_decoder import teacher_forced_model
    from strokecast.training import cudnn

    rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")
    model, kernels = network(line).model, set()

    def cudnn_kernel(*arguments: Any) -> Any:
        *_, kernel, _, _, mask, _, _, _ = arguments
        kernels.add(id(kernel))
        if mask is not None:
            rnn._assert_valid_mask(mask)  # raises an error unless it is right-padded, without an empty row
        raise NotImplementedError  # Keras then runs its own loop

    monkeypatch.setattr(rnn, "_is_gpu_available", lambda: True)
    monkeypatch.setattr(rnn, "_cudnn_lstm", cudnn_kernel)
    monkeypatch.setattr(rnn, "_cudnn_gru", cudnn_kernel)
    weights = model.get_weights()
    inputs = {name: tf.constant(values) for name, values in inputs_of(line).items()}
    model(inputs, training=True)
    teacher_forced = teacher_forced_model(model) if line.task == "forecast" else None
    if teacher_forced is not None:
        teacher_forced(inputs | {"target": tf.constant(target_of(line.task))}, training=True)
    model.set_weights(weights)
    assert len(kernels) == list(cudnn.reasons(model, "gpu").values()).count("")


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("line", NETWORKS, ids=str)
def test_ten_steps_on_a_gpu_give_finite_losses(line: Line, precision: str) -> None:
    import tensorflow as tf

    with tf.device("/GPU:0"):
        losses = train_steps(line, precision, 10)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "line", cases((line for line in NETWORKS if str(line) in MIXED), MIXED - FAST_TO_TRAIN)
)
def test_mixed_precision_trains_like_float32(line: Line, precision: str) -> None:
    expected, losses = (train_steps(line, policy, 20) for policy in ("float32", precision))
    assert np.isfinite(losses).all()
    assert losses != expected  # it computes in 16 bits
    np.testing.assert_allclose(losses, expected, rtol=0.1, atol=0.05)


def train_steps(line: Line, policy: str, count: int) -> list[float]:
    """The losses of training steps on one batch, of a new network with a dtype policy."""
    import keras
    import tensorflow as tf

    from strokecast.training import objectives, optimizers, precision, steps

    keras.utils.set_random_seed(0)
    recipe, architecture = RECIPES[line.task](), registry.get(line.task, line.name)
    model = architecture.build(architecture.testing, SPECS[line.task])
    precision.apply(model, policy)
    objective = objectives.make(line.task, recipe, SPECS[line.task], model)
    optimizer, scale = optimizers.make(recipe), precision.loss_scale(policy)
    compiled = steps.compile_steps(model, optimizer, objective, recipe.global_clipnorm, loss_scale=scale)
    inputs = {name: tf.constant(values) for name, values in inputs_of(line).items()}
    losses = []
    for _ in range(count):
        compiled.train(inputs, tf.constant(target_of(line.task)), np.float32(1e-3))
        losses.append(compiled.read_totals()[0])
    return losses


@pytest.mark.parametrize("line", NETWORKS, ids=str)
def test_exact_parameter_count(line: Line) -> None:
    architecture = registry.get(line.task, line.name)
    default = architecture.build(architecture.config(), SPECS[line.task])
    assert (network(line).model.count_params(), default.count_params()) == (line.testing, line.default)


def save(line: Line, folder: Path) -> None:
    """model.keras, and its inputs and output in io.npz."""
    folder.mkdir(exist_ok=True)
    network(line).model.save(folder / "model.keras")
    np.savez(folder / "io.npz", **inputs_of(line), output=main_output(network(line).output))


@pytest.mark.parametrize("line", BUILT)
def test_saves_and_loads(line: Line, tmp_path: Path) -> None:
    from strokecast.inference import networks

    save(line, tmp_path)
    loaded = networks.load_network(tmp_path)
    expected = main_output(network(line).output)
    np.testing.assert_allclose(main_output(loaded(inputs_of(line), training=False)), expected, atol=1e-6)


@pytest.mark.slow  # starts a process
def test_loads_in_a_fresh_process(tmp_path: Path) -> None:
    for line in NETWORKS:
        save(line, tmp_path / str(line))
    code = """
import sys
from pathlib import Path
import numpy as np
from strokecast.inference import networks
for folder in sorted(Path(sys.argv[1]).iterdir()):
    io = dict(np.load(folder / "io.npz"))
    expected = io.pop("output")
    output = networks.load_network(folder)(io, training=False)
    output = output["mixture"] if isinstance(output, dict) else output
    np.testing.assert_allclose(output.numpy(), expected, atol=1e-6)
    print(folder.name)
rooms = [f"strokecast.models.{task}." for task in ("classify", "watch", "draw", "forecast")]
assert not [m for m in sys.modules if m.startswith((*rooms, "strokecast.training"))]
"""
    process = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == sorted(str(line) for line in NETWORKS)


def history(days: int, horizon: int) -> Any:
    """A weekly pattern with noise around 50, as a `features.timeseries.horizons.History`."""
    values = 50 + 5 * np.sin(np.arange(days) * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=days)
    return SimpleNamespace(values=values, next_days=np.datetime64("2021-03-01") + np.arange(horizon))


@pytest.fixture
def weekly_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `pretrained` in the working directory, whose model repeats the last week."""
    from strokecast.models.statistical import pretrained

    def load(folder: Path) -> Any:
        return lambda values, horizon, levels: np.repeat(
            values[-7:][np.arange(horizon) % 7, None], len(levels), axis=1
        )

    monkeypatch.setattr(
        pretrained, "ADAPTERS", [pretrained.Adapter("Weekly", "json", "", lambda config: True, load)]
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained/config.json").write_text("{}")


@pytest.mark.usefixtures("weekly_model")
@pytest.mark.parametrize("line", STATISTICAL)
def test_statistical_forecasters_forecast_any_horizon_and_load(line: Line, tmp_path: Path) -> None:
    from strokecast.common.files import write_json
    from strokecast.inference import networks

    architecture = registry.get(line.task, line.name)
    forecaster = architecture.build(architecture.testing, SPECS[line.task])
    assert forecaster.min_history == line.min_history
    days = line.min_history + 5
    forecaster.fit(history(days, 1))
    stored = {"task": line.task, "name": line.name, "config": architecture.testing.model_dump(mode="json")}
    write_json(tmp_path / "model.json", stored | {"specification": forecaster.specification})
    write_json(tmp_path / "spec.json", SPECS[line.task])
    loaded = networks.load_statistical(tmp_path)
    for horizon in (1, 7, 2 * line.min_history):
        forecast = forecaster.predict(history(days, horizon))
        assert forecast.shape == (horizon,)
        assert forecast.dtype == np.float64
        assert np.abs(forecast - 50).max() < 40
        np.testing.assert_array_equal(loaded.predict(history(days, horizon)), forecast)
    with pytest.raises(
        ValueError, match=f"at least {line.min_history} days, received {line.min_history - 1}"
    ):
        forecaster.predict(history(line.min_history - 1, 7))


@pytest.mark.parametrize("line", REGRESSIONS, ids=str)
def test_regressions_fit_save_and_count(line: Line, tmp_path: Path) -> None:
    from strokecast.common.files import write_json
    from strokecast.models.regression import lag_regressor

    architecture, inputs, target = registry.get(line.task, line.name), inputs_of(line), target_of(line.task)
    counts = []
    for config in (architecture.testing, architecture.config()):
        model = architecture.build(config, SPECS[line.task])
        model.fit(inputs, target, seed=1)
        counts.append(model.parameters)
        forecast = model.predict(inputs)
        assert forecast.shape == target.shape
        assert forecast.dtype == np.float64
        assert np.abs(forecast - target).mean() < np.abs(target - target.mean(axis=0)).mean()
        single = model.predict({name: values[2:3] for name, values in inputs.items()})
        np.testing.assert_allclose(single, forecast[2:3], atol=1e-9)
    assert tuple(counts) == (line.testing, line.default)
    stored = {"task": line.task, "name": line.name, "config": architecture.config().model_dump(mode="json")}
    write_json(tmp_path / "config.json", stored)
    write_json(tmp_path / "spec.json", SPECS[line.task])
    model.save(tmp_path)
    np.testing.assert_array_equal(lag_regressor.load(tmp_path).predict(inputs), forecast)


def training_drawings(number: int = 72) -> list[tuple[Any, Any, Any]]:
    """Two batches with different padding that contain all classes."""
    rng = np.random.default_rng(5)
    length = rng.integers(2, 20, number)
    strokes = rng.normal(size=(number, 20, 3)).astype(np.float32)
    strokes[:, :, 2] = strokes[:, :, 2] > 1
    strokes[np.arange(20) >= length[:, None]] = 0
    label = np.arange(number) % 12
    wider = np.pad(strokes[40:], ((0, 0), (0, 7), (0, 0)))
    return [(strokes[:40], length[:40], label[:40]), (wider, length[40:], label[40:])]


@cache
def fitted(line: Line) -> Any:
    """An estimator with its testing config, fitted."""
    architecture = registry.get(line.task, line.name)
    estimator = architecture.build(architecture.testing, SPECS[line.task])
    estimator.fit(training_drawings())
    return estimator


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_count_their_parameters(line: Line) -> None:
    architecture = registry.get(line.task, line.name)
    default = architecture.build(architecture.config(), SPECS[line.task])
    default.fit(training_drawings())
    assert (fitted(line).parameters, default.parameters) == (line.testing, line.default)


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_give_probabilities_independent_of_padding(line: Line) -> None:
    inputs, estimator = inputs_of(line), fitted(line)
    probabilities = estimator.predict_proba(inputs["strokes"], inputs["length"])
    assert probabilities.shape == (B, CLASSES)
    assert probabilities.dtype == np.float64
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    for padding in (1, 13):
        padded = inputs_of(line, padding)["strokes"]
        np.testing.assert_allclose(
            estimator.predict_proba(padded, inputs["length"]), probabilities, atol=1e-9
        )
    single = estimator.predict_proba(inputs["strokes"][:1, :1], inputs["length"][:1])  # one point, no padding
    np.testing.assert_allclose(single, probabilities[:1], atol=1e-9)


def save_estimator(line: Line, folder: Path) -> None:
    from strokecast.common.files import write_json

    config = registry.get(line.task, line.name).testing.model_dump(mode="json")
    write_json(folder / "config.json", {"task": line.task, "name": line.name, "config": config})
    write_json(folder / "spec.json", SPECS[line.task])
    fitted(line).save(folder)


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_save_and_load(line: Line, tmp_path: Path) -> None:
    from strokecast.common.files import sha256
    from strokecast.models.common import estimators

    save_estimator(line, tmp_path)
    digest = sha256(tmp_path / estimators.FILE)
    fitted(line).save(tmp_path)
    assert sha256(tmp_path / estimators.FILE) == digest
    inputs = inputs_of(line)
    expected = fitted(line).predict_proba(inputs["strokes"], inputs["length"])
    loaded = estimators.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(inputs["strokes"], inputs["length"]), expected)


@pytest.mark.slow  # starts a process
@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_load_without_tensorflow(line: Line, tmp_path: Path) -> None:
    save_estimator(line, tmp_path)
    code = """import sys; from pathlib import Path; from strokecast.models.common import estimators
estimators.load(Path(sys.argv[1]))
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
