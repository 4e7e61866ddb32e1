"""Every registered architecture through one check. A new one needs one line in TABLE."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strokecast.models.common import registry
from strokecast.params import RECIPES, TASKS


@dataclass(frozen=True)
class Line:
    """What the testing and the default config of an architecture should count in parameters."""

    task: str
    name: str
    testing: int
    default: int
    min_history: int | None = None  # rules: days of history they need
    kind: str = "network"
    inputs: tuple[str, ...] = ()  # what a network of the task watch reads beside frames
    forecast: tuple[int, ...] = (
        7,
        1,
        7,
    )  # what a network of the task forecast gives: days, targets, quantiles

    def __str__(self) -> str:
        return f"{self.task}-{self.name}"


TABLE = [
    Line("classify", "attention_rnn", testing=2280, default=111628),
    Line("classify", "conv_bilstm", testing=2106, default=1056684),
    Line("classify", "conv_rnn", testing=1626, default=301452),
    Line("classify", "gru", testing=900, default=86700),
    Line("classify", "layer_norm_lstm", testing=1196, default=52492),
    Line("classify", "logistic", testing=502, default=502, kind="estimator"),
    Line("classify", "lstm", testing=1100, default=114444),
    Line("classify", "nearest_neighbour", testing=4808, default=2662, kind="estimator"),
    Line("classify", "raster_cnn", testing=840, default=93932),
    Line("classify", "simple_rnn", testing=492, default=22156),
    Line("classify", "transformer", testing=1268, default=69260),
    Line("classify", "wavenet", testing=1632, default=200076),
    Line("draw", "class_decoder", testing=779, default=309759),
    Line("draw", "sketch_rnn", testing=1556, default=448064),
    Line("watch", "cnn_rnn", testing=1660, default=137308),
    Line("watch", "cnn_rnn_strokes", testing=2077, default=173372, inputs=("track",)),
    Line("watch", "conv3d", testing=2420, default=123484),
    Line("watch", "conv_lstm", testing=1768, default=89036),
    Line("watch", "frame_average", testing=1477, default=90268),
    Line("watch", "inflated", testing=1735, default=137148),
    Line("watch", "two_stream", testing=4453, default=222172, inputs=("motion",)),
    Line("watch", "video_transformer", testing=1180, default=106444),
    Line("forecast", "auto_arima", testing=0, default=0, min_history=42, kind="rule"),
    Line("forecast", "auto_ets", testing=0, default=0, min_history=21, kind="rule"),
    Line("forecast", "boosted_trees", testing=1232, default=108507, kind="estimator"),
    Line("forecast", "combination", testing=1533, default=108976, kind="estimator"),
    Line("forecast", "conv_gru", testing=959, default=16401),
    Line("forecast", "deep_rnn", testing=665, default=14577),
    Line("forecast", "encoder_decoder", testing=1009, default=9617),
    Line("forecast", "encoder_decoder_attention", testing=1161, default=11889),
    Line("forecast", "gru", testing=1241, default=13073),
    Line("forecast", "layer_norm_rnn", testing=681, default=10449),
    Line("forecast", "linear", testing=405, default=2835, forecast=(7, 1)),
    Line("forecast", "lstm", testing=1457, default=14257),
    Line("forecast", "mstl", testing=0, default=0, min_history=56, kind="rule"),
    Line("forecast", "ridge", testing=301, default=469, kind="estimator"),
    Line("forecast", "sarima", testing=0, default=0, min_history=42, kind="rule"),
    Line("forecast", "seasonal_naive_364", testing=0, default=0, min_history=364, kind="rule"),
    Line("forecast", "seasonal_naive_7", testing=0, default=0, min_history=7, kind="rule"),
    Line("forecast", "seq2seq", testing=1241, default=13073, forecast=(56, 7, 1, 7)),
    Line("forecast", "simple_rnn", testing=529, default=10417),
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
MIXTURE = 6 * 2 + 3  # draw: parameters a step of the testing configs' two mixtures
B, T = 6, 24

NETWORKS = [line for line in TABLE if line.kind == "network"]
DRAWING = [line for line in NETWORKS if line.task == "draw"]
RULES = [line for line in TABLE if line.kind == "rule"]
ESTIMATORS = [line for line in TABLE if line.kind == "estimator" and line.task == "classify"]
REGRESSIONS = [line for line in TABLE if line.kind == "estimator" and line.task == "forecast"]


def inputs_of(line: Line, padding: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    if line.task == "watch":
        frames = rng.integers(0, 256, (B, 12, 28, 28)).astype(np.uint8)
        motion = np.diff(frames / np.float32(255), axis=1, prepend=np.float32(0))
        track = rng.normal(size=(B, 12 * 16, 3)).astype(np.float32)
        every = {"frames": frames, "motion": motion, "track": track}
        return {name: every[name] for name in ("frames", *line.inputs)}
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

        return reading.stroke5_target(inputs_of(DRAWING[0])).numpy()
    return rng.integers(0, 12, B).astype(np.int64)


def compared(output: Any) -> Any:
    """What is held against another output: of networks that draw, the mixture."""
    return (output["mixture"] if isinstance(output, dict) else output).numpy()


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    import keras

    built = {}
    for line in NETWORKS:
        keras.utils.set_random_seed(0)
        architecture = registry.get(line.task, line.name)
        built[str(line)] = architecture.build(architecture.testing, SPECS[line.task])
    return built


@pytest.mark.parametrize("task", TASKS)
def test_every_registered_architecture_has_its_line(task: str) -> None:
    assert sorted(line.name for line in TABLE if line.task == task) == registry.names(task)


@pytest.mark.parametrize("line", TABLE, ids=str)
def test_kind_and_names(line: Line) -> None:
    architecture = registry.get(line.task, line.name)
    assert (architecture.task, architecture.name) == (line.task, line.name)
    assert architecture.kind == line.kind
    assert isinstance(architecture.testing, architecture.config)


@pytest.mark.parametrize("line", [line for line in NETWORKS if line.task != "draw"], ids=str)
def test_output_shape_and_dtype(line: Line, models: dict[str, Any]) -> None:
    model = models[str(line)]
    output = model(inputs_of(line), training=False)
    shape = line.forecast if line.task == "forecast" else (CLASSES,)
    assert model.output_shape == (None, *shape)
    assert tuple(output.shape) == (B, *shape)
    assert output.dtype == "float32"
    assert np.isfinite(output.numpy()).all()
    assert {tensor.name for tensor in model.inputs} == set(inputs_of(line))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("line", [line for line in NETWORKS if line.task == "classify"], ids=str)
def test_more_padding_changes_nothing(line: Line, training: bool, models: dict[str, Any]) -> None:
    model = models[str(line)]
    weights = model.get_weights()
    plain = model(inputs_of(line), training=training).numpy()
    model.set_weights(weights)  # a pass in training mode moves the moments of batch normalisation
    for padding in (1, 2, 13):
        padded = model(inputs_of(line, padding), training=training).numpy()
        model.set_weights(weights)
        np.testing.assert_allclose(padded, plain, atol=1e-5)
    alone = {name: values[:1] for name, values in inputs_of(line).items()}
    alone["strokes"] = alone["strokes"][:, :1]
    if not training:  # one real point, not a step of padding
        np.testing.assert_allclose(model(alone, training=False).numpy(), plain[:1], atol=1e-5)


@pytest.mark.parametrize("line", [line for line in NETWORKS if line.task == "classify"], ids=str)
def test_every_real_point_has_a_say(line: Line, models: dict[str, Any]) -> None:
    inputs = inputs_of(line)
    plain = models[str(line)](inputs, training=False).numpy()
    for point in (0, 11, 23):
        changed = inputs["strokes"].copy()
        changed[5, point] += (1.0, 1.0, -2.0 if changed[5, point, 2] > 0.5 else 2.0)  # lifted or no more
        output = models[str(line)]({**inputs, "strokes": changed}, training=False).numpy()
        assert np.abs(output[5] - plain[5]).max() > 1e-7
        np.testing.assert_allclose(output[:5], plain[:5], atol=1e-6)


@pytest.mark.parametrize("line", DRAWING, ids=str)
def test_a_density_a_step_and_one_more(line: Line, models: dict[str, Any]) -> None:
    model = models[str(line)]
    output = model(inputs_of(line), training=False)
    assert model.output["mixture"].shape == (None, None, MIXTURE)
    shapes = {"mixture": (B, T + 1, MIXTURE), "kl": (B,), "penalty": (B,)}
    assert set(output) == ({"mixture"} if line.name == "class_decoder" else set(shapes))
    for name, values in output.items():
        assert (tuple(values.shape), values.dtype) == (shapes[name], "float32")
        assert np.isfinite(values.numpy()).all()
    assert {tensor.name for tensor in model.inputs} == {"strokes", "length", "label"}


@pytest.mark.parametrize("line", DRAWING, ids=str)
def test_more_padding_changes_no_density(line: Line, models: dict[str, Any]) -> None:
    model, inputs = models[str(line)], inputs_of(line)
    plain = model(inputs, training=False)
    padded = model(inputs_of(line, padding=13), training=False)
    alone = model(
        {name: values[:1, :1] if values.ndim > 1 else values[:1] for name, values in inputs.items()}
    )
    for row, length in enumerate(inputs["length"]):
        steps = plain["mixture"][row, : length + 1].numpy()
        np.testing.assert_allclose(padded["mixture"][row, : length + 1].numpy(), steps, atol=1e-5)
    np.testing.assert_allclose(alone["mixture"].numpy(), plain["mixture"][:1, :2].numpy(), atol=1e-5)
    for name in set(plain) - {"mixture"}:
        np.testing.assert_allclose(padded[name].numpy(), plain[name].numpy(), atol=1e-6)


@pytest.mark.parametrize("line", DRAWING, ids=str)
def test_each_step_rests_on_the_class_and_on_what_came_before(line: Line, models: dict[str, Any]) -> None:
    model, inputs = models[str(line)], inputs_of(line)
    plain = compared(model(inputs, training=False))
    for point in (0, 11, 23):
        changed = inputs["strokes"].copy()
        changed[5, point] += (1.0, 1.0, -2.0 if changed[5, point, 2] > 0.5 else 2.0)
        moved = np.abs(compared(model({**inputs, "strokes": changed}, training=False)) - plain).max(axis=2)
        assert (moved[5, point + 1 :] > 1e-7).all()
        assert moved[:5].max() < 1e-6
        if line.name == "class_decoder":  # nothing looks ahead
            assert moved[5, : point + 1].max() < 1e-6
        else:  # but the latent vector has seen the whole drawing
            assert moved[5, 0] > 1e-7
    other = compared(model({**inputs, "label": (inputs["label"] + 1) % 12}, training=False))
    assert (np.abs(other - plain).max(axis=2) > 1e-7).all()


@pytest.mark.parametrize("line", NETWORKS, ids=str)
def test_one_learning_step_lowers_the_loss(line: Line) -> None:
    import keras
    import tensorflow as tf

    from strokecast.training import objectives, optimizers, steps

    keras.utils.set_random_seed(0)
    architecture = registry.get(line.task, line.name)
    model = architecture.build(architecture.testing, SPECS[line.task])
    recipe = RECIPES[line.task]()
    objective = objectives.make(line.task, recipe, SPECS[line.task], model)
    compiled = steps.compile_steps(model, optimizers.make(recipe), objective, recipe.global_clipnorm)
    inputs = {name: tf.constant(values) for name, values in inputs_of(line).items()}
    losses = []
    for _ in range(2):  # the second step's loss is taken after the first step's update
        compiled.train(inputs, tf.constant(target_of(line.task)), np.float32(1e-3))
        losses.append(compiled.read_totals()[0])
    assert losses[1] < losses[0]


@pytest.mark.parametrize("line", NETWORKS, ids=str)
def test_exact_parameter_count(line: Line, models: dict[str, Any]) -> None:
    architecture = registry.get(line.task, line.name)
    default = architecture.build(architecture.config(), SPECS[line.task])
    assert (models[str(line)].count_params(), default.count_params()) == (line.testing, line.default)


@pytest.fixture(scope="module")
def saved(models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("saved")
    for line in NETWORKS:
        folder = root / str(line)
        folder.mkdir()
        models[str(line)].save(folder / "model.keras")
        inputs = inputs_of(line)
        np.savez(folder / "io.npz", **inputs, output=compared(models[str(line)](inputs, training=False)))
    return root


@pytest.mark.parametrize("line", NETWORKS, ids=str)
def test_saves_and_loads(line: Line, saved: Path, models: dict[str, Any]) -> None:
    from strokecast.inference import networks

    loaded = networks.load_network(saved / str(line))
    expected = compared(models[str(line)](inputs_of(line), training=False))
    np.testing.assert_allclose(compared(networks.inference_function(loaded)(inputs_of(line))), expected, atol=1e-6)


def test_loads_in_a_fresh_process(saved: Path) -> None:
    code = """
import sys
from pathlib import Path
import numpy as np
from strokecast.models.common import inference
for folder in sorted(Path(sys.argv[1]).iterdir()):
    io = dict(np.load(folder / "io.npz"))
    output = io.pop("output")
    found = inference.load_network(folder)(io, training=False)
    found = found["mixture"] if isinstance(found, dict) else found
    np.testing.assert_allclose(found.numpy(), output, atol=1e-6)
    print(folder.name)
assert not [m for m in sys.modules if m.startswith(("strokecast.models.classify.", "strokecast.models.watch.", "strokecast.models.draw.", "strokecast.models.forecast.", "strokecast.training"))]
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(str(line) for line in NETWORKS)


def history_of(days: int, horizon: int) -> Any:
    """A week, noise and a level far above 0, as a rule is given it."""
    values = 50 + 5 * np.sin(np.arange(days) * 2 * np.pi / 7) + np.random.default_rng(0).normal(size=days)
    return SimpleNamespace(values=values, next_days=np.datetime64("2021-03-01") + np.arange(horizon))


@pytest.mark.parametrize("line", RULES, ids=str)
def test_rules_forecast_any_horizon_from_enough_history(line: Line, tmp_path: Path) -> None:
    from strokecast.common.files import write_json
    from strokecast.inference import networks

    architecture = registry.get(line.task, line.name)
    rule = architecture.build(architecture.testing, SPECS[line.task])
    assert rule.min_history == line.min_history
    days = line.min_history + 5
    rule.find(history_of(days, 1).values)
    told = {"task": line.task, "name": line.name, "config": architecture.testing.model_dump(mode="json")}
    write_json(tmp_path / "model.json", told | {"found": rule.found})
    write_json(tmp_path / "spec.json", SPECS[line.task])
    loaded = networks.load_statistical(tmp_path)
    for horizon in (1, 7, 2 * line.min_history):
        forecast = rule.predict(history_of(days, horizon))
        assert forecast.shape == (horizon,)
        assert forecast.dtype == np.float64
        assert np.abs(forecast - 50).max() < 40
        np.testing.assert_array_equal(loaded.predict(history_of(days, horizon)), forecast)
    with pytest.raises(
        ValueError, match=f"at least {line.min_history} days, received {line.min_history - 1}"
    ):
        rule.predict(history_of(line.min_history - 1, 7))


@pytest.mark.parametrize("line", REGRESSIONS, ids=str)
def test_regressions_learn_keep_and_count(line: Line, tmp_path: Path) -> None:
    from strokecast.common.files import write_json
    from strokecast.models.regression import lag_regressor

    architecture, inputs, target = registry.get(line.task, line.name), inputs_of(line), target_of(line.task)
    counts = []
    for config in (architecture.testing, architecture.config()):
        model = architecture.build(config, SPECS[line.task])
        model.fit(inputs, target, seed=1)
        counts.append(model.parameters)
        made = model.predict(inputs)
        assert made.shape == target.shape
        assert made.dtype == np.float64
        assert np.abs(made - target).mean() < np.abs(target - target.mean(axis=0)).mean()
        alone = model.predict({name: values[2:3] for name, values in inputs.items()})
        np.testing.assert_allclose(alone, made[2:3], atol=1e-9)
    assert tuple(counts) == (line.testing, line.default)
    told = {"task": line.task, "name": line.name, "config": architecture.config().model_dump(mode="json")}
    write_json(tmp_path / "config.json", told)
    write_json(tmp_path / "spec.json", SPECS[line.task])
    model.save(tmp_path)
    np.testing.assert_array_equal(lag_regressor.load(tmp_path).predict(inputs), made)


def drawings_to_fit(number: int = 72) -> list[tuple[Any, Any, Any]]:
    """Two batches of unequal padding; all classes are there."""
    rng = np.random.default_rng(5)
    length = rng.integers(2, 20, number)
    strokes = rng.normal(size=(number, 20, 3)).astype(np.float32)
    strokes[:, :, 2] = strokes[:, :, 2] > 1
    strokes[np.arange(20) >= length[:, None]] = 0
    label = np.arange(number) % 12
    wider = np.pad(strokes[40:], ((0, 0), (0, 7), (0, 0)))
    return [(strokes[:40], length[:40], label[:40]), (wider, length[40:], label[40:])]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    made = {}
    for line in ESTIMATORS:
        architecture = registry.get(line.task, line.name)
        made[str(line)] = architecture.build(architecture.testing, SPECS[line.task])
        made[str(line)].fit(drawings_to_fit())
    return made


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_count_what_they_keep(line: Line, fitted: dict[str, Any]) -> None:
    architecture = registry.get(line.task, line.name)
    default = architecture.build(architecture.config(), SPECS[line.task])
    default.fit(drawings_to_fit())
    assert (fitted[str(line)].parameters, default.parameters) == (line.testing, line.default)


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_give_probabilities_that_no_padding_changes(line: Line, fitted: dict[str, Any]) -> None:
    inputs = inputs_of(line)
    chances = fitted[str(line)].predict_proba(inputs["strokes"], inputs["length"])
    assert chances.shape == (B, CLASSES)
    assert chances.dtype == np.float64
    assert (chances > 0).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-12)
    for padding in (1, 13):
        padded = inputs_of(line, padding)["strokes"]
        np.testing.assert_allclose(fitted[str(line)].predict_proba(padded, inputs["length"]), chances, atol=1e-9)
    alone = fitted[str(line)].predict_proba(inputs["strokes"][:1, :1], inputs["length"][:1])  # one real point
    np.testing.assert_allclose(alone, chances[:1], atol=1e-9)


@pytest.mark.parametrize("line", ESTIMATORS, ids=str)
def test_estimators_save_and_load(line: Line, fitted: dict[str, Any], tmp_path: Path) -> None:
    from strokecast.common.files import sha256, write_json
    from strokecast.models.common import estimators

    architecture = registry.get(line.task, line.name)
    told = {"task": line.task, "name": line.name, "config": architecture.testing.model_dump(mode="json")}
    write_json(tmp_path / "config.json", told)
    write_json(tmp_path / "spec.json", SPECS[line.task])
    fitted[str(line)].save(tmp_path)
    digest = sha256(tmp_path / estimators.FILE)
    fitted[str(line)].save(tmp_path)
    assert sha256(tmp_path / estimators.FILE) == digest
    inputs = inputs_of(line)
    expected = fitted[str(line)].predict_proba(inputs["strokes"], inputs["length"])
    loaded = estimators.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(inputs["strokes"], inputs["length"]), expected)
    code = """import sys; from pathlib import Path; from strokecast.models.common import estimators
estimators.load(Path(sys.argv[1]))
assert not {"tensorflow", "keras"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
