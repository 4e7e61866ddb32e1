"""Properties of the video networks beyond the contract of all architectures."""

from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.models.common import registry

B, N, S = 3, 6, 14
STEPS = 4
SPEC = {
    "task": "watch",
    "classes": ["a", "b", "c", "d"],
    "frames": N,
    "height": S,
    "width": S,
    "steps_per_frame": STEPS,
}
TRACK = {"track_filters": (4, 5), "track_kernels": (3, 4), "track_strides": (2, 2)}
NAMES = registry.names("watch")


def config(name: str, **changes: Any) -> Any:
    track = TRACK if name == "cnn_rnn_strokes" else {}
    testing = registry.get("watch", name).testing.model_dump()
    return registry.config("watch", name, {**testing, **track, **changes})


def network(name: str, **changes: Any) -> Any:
    """A network with random weights, because its properties must also hold after training."""
    return randomise_weights(registry.get("watch", name).build(config(name, **changes), SPEC))


def randomise_weights(model: Any) -> Any:
    rng = np.random.default_rng(11)
    for variable in model.variables:
        if variable.dtype == "float32":
            values = rng.normal(0, 0.5, variable.shape)
            variable.assign(np.abs(values) + 0.2 if "variance" in variable.name else values)
    return model


def videos(still: bool = False) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    frames = rng.integers(0, 256, (B, 1 if still else N, S, S)).astype(np.uint8)
    frames = np.repeat(frames, N, axis=1) if still else frames
    motion = np.diff(frames / np.float32(255), axis=1, prepend=np.float32(0)).astype(np.float32)
    return {
        "frames": frames,
        "track": rng.normal(size=(B, N * STEPS, 3)).astype(np.float32),
        "motion": motion,
    }


def run(model: Any, inputs: dict[str, np.ndarray]) -> np.ndarray:
    model_inputs = {tensor.name: inputs[tensor.name] for tensor in model.inputs}
    output: np.ndarray = model(model_inputs, training=False).numpy()
    return output


def layer_output(model: Any, layer: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """The output of one layer of the network."""
    import keras

    return run(keras.Model(model.inputs, model.get_layer(layer).output), inputs)


def test_all_eight_architectures_are_registered() -> None:
    expected = {"frame_average", "cnn_rnn", "cnn_rnn_strokes", "conv_lstm"}
    assert set(NAMES) == expected | {"conv3d", "two_stream", "inflated", "video_transformer"}


@pytest.mark.parametrize("name", NAMES)
def test_ink_is_scaled_to_0_to_1(name: str) -> None:
    ink = layer_output(network(name), "ink", {**videos(), "frames": np.full((B, N, S, S), 255, np.uint8)})
    assert ink.dtype == np.float32
    np.testing.assert_allclose(ink, 1.0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_output_depends_on_every_frame_of_the_own_video_only(name: str) -> None:
    changes = {} if name in ("conv_lstm", "video_transformer") else {"activation": "elu"}  # no dead ReLUs
    model, inputs = network(name, **changes), videos()
    plain = run(model, inputs)
    batch = {
        key: np.concatenate([np.repeat(values[:1], N, axis=0), values[1:]]) for key, values in inputs.items()
    }
    batch["frames"][np.arange(N), np.arange(N)] = 255 - inputs["frames"][0]  # row n differs in frame n
    output = run(model, batch)
    assert (np.abs(output[:N] - plain[0]).max(axis=1) > 1e-5).all()
    np.testing.assert_allclose(output[N:], plain[1:], atol=1e-4)


def test_frame_average_does_not_depend_on_the_order() -> None:
    model, inputs = network("frame_average"), videos()
    plain = run(model, inputs)
    for order in (np.arange(N)[::-1], np.random.default_rng(1).permutation(N)):
        np.testing.assert_allclose(
            run(model, {**inputs, "frames": inputs["frames"][:, order]}), plain, atol=1e-5
        )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "frame_average"])
def test_all_others_depend_on_the_order(name: str) -> None:
    model, inputs = network(name), videos()
    reversed_videos = {key: np.ascontiguousarray(values[:, ::-1]) for key, values in inputs.items()}
    assert np.abs(run(model, reversed_videos) - run(model, inputs)).max() > 1e-3


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_the_same_network_is_applied_to_each_frame(norm: str) -> None:
    import keras

    from strokecast.models.layers.frames import image_vector

    frame_config, inputs = config("frame_average", norm=norm), videos()
    model = network("frame_average", norm=norm)
    image = keras.Input((S, S, 1))
    image_model = keras.Model(image, image_vector(image, frame_config))
    image_model.set_weights(model.get_weights()[:-2])  # without the head
    vectors = layer_output(model, "vectors", inputs)
    assert vectors.shape == (B, N, frame_config.features)
    for frame in range(N):
        vector = image_model(inputs["frames"][:, frame, :, :, None] / np.float32(255), training=False)
        np.testing.assert_allclose(vectors[:, frame], vector.numpy(), atol=1e-4)


def test_track_vectors_are_causal_with_one_per_frame() -> None:
    import keras

    model, inputs = network("cnn_rnn_strokes"), videos()
    track_vectors = keras.Model(model.inputs, model.get_layer("track_2_relu").output)
    steps = N * STEPS
    single = {key: np.repeat(values[:1], steps + 1, axis=0) for key, values in inputs.items()}
    single["track"][np.arange(steps), np.arange(steps)] += 3.0  # row s differs from the last row in step s
    vectors = run(track_vectors, single)
    assert vectors.shape == (steps + 1, N, 5)
    assert model.get_layer("joined").output.shape == (None, N, config("cnn_rnn_strokes").features + 5)
    moved = np.abs(vectors[:-1] - vectors[-1]).max(axis=2) > 1e-6  # [steps, N]
    for step in range(steps):
        assert not moved[step, : step // STEPS].any()
        assert moved[step, step // STEPS]


@pytest.mark.parametrize("strides", [(2, 3), (4, 2)])
def test_invalid_product_of_strides_is_one_line(strides: tuple[int, int]) -> None:
    with pytest.raises(
        UserError,
        match=rf"cnn_rnn_strokes\.config\.track_strides: .* is {strides[0] * strides[1]}, a frame has 4 steps; "
        r".*numbers whose product is steps_per_frame, 4",
    ):
        network("cnn_rnn_strokes", track_strides=strides, track_kernels=(4, 4))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("cnn_rnn_strokes", {"track_kernels": [6, 1, 4]}, "track_kernels should be at least track_strides"),
        ("cnn_rnn_strokes", {"track_filters": [3]}, "track_strides should have the same length"),
        ("cnn_rnn", {"kernels": [3]}, "filters and kernels should have the same length"),
        ("two_stream", {"motion_filters": [3]}, "filters and motion_filters should have the same length"),
        ("conv_lstm", {"strides": [1, 2]}, "first stride should be 2 or more"),
        ("conv_lstm", {"strides": [2]}, "have the same length"),
        ("inflated", {"depths": [3]}, "have the same length"),
        ("video_transformer", {"d_model": 6, "num_heads": 4}, "a multiple of num_heads"),
    ],
)
def test_invalid_config_is_one_line(name: str, values: dict[str, Any], message: str) -> None:
    testing = registry.get("watch", name).testing.model_dump()
    with pytest.raises(UserError, match=message):
        registry.config("watch", name, {**testing, **values})


def test_only_the_motion_stream_depends_on_the_order() -> None:
    model, inputs = network("two_stream", fusion="concatenate"), videos()
    plain = run(model, inputs)
    order = np.array([3, 0, 5, 1, 4, 2])
    frames_permuted = {**inputs, "frames": inputs["frames"][:, order]}
    motion_permuted = {**inputs, "motion": inputs["motion"][:, order]}
    np.testing.assert_allclose(run(model, frames_permuted), plain, atol=1e-5)
    assert np.abs(run(model, motion_permuted) - plain).max() > 1e-3


def test_late_fusion_is_the_mean_of_two_heads() -> None:
    model, inputs = network("two_stream", fusion="average"), videos()
    heads = [layer_output(model, f"{stream}_logits", inputs) for stream in ("appearance", "motion")]
    assert np.abs(heads[0] - heads[1]).max() > 1e-3
    np.testing.assert_allclose(run(model, inputs), (heads[0] + heads[1]) / 2, atol=1e-5)


def test_conv_lstm_states_are_images() -> None:
    model = network("conv_lstm")
    assert model.get_layer("conv_lstm_1").output.shape == (None, N, 4, 4, 2)  # 14 pixels, stride 4
    assert model.get_layer("conv_lstm_2").output.shape == (None, 2, 2, 3)


def test_residual_block_adds_the_shortcut() -> None:
    model, inputs = network("conv3d"), videos()
    assert model.get_layer("block_1").output.shape == (None, N // 2, 4, 4, 4)  # 7 pixels after the stem
    norm = model.get_layer("block_1_conv_2_norm")
    norm.gamma.assign(norm.gamma * 0)
    norm.beta.assign(norm.beta * 0)
    shortcut = layer_output(model, "block_1_shortcut_norm", inputs)
    np.testing.assert_allclose(layer_output(model, "block_1", inputs), np.maximum(shortcut, 0), atol=1e-5)


def test_factorised_convolutions_have_fewer_weights() -> None:
    full, split = network("conv3d"), network("conv3d", factorised=True)
    assert split.get_layer("block_1_conv_2_space").kernel.shape[:3] == (1, 3, 3)
    assert split.get_layer("block_1_conv_2_time").kernel.shape[:3] == (3, 1, 1)
    assert split.count_params() < full.count_params()
    assert split.get_layer("block_2").output.shape == full.get_layer("block_2").output.shape


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("padding", ["replicate", "valid"])
def test_inflated_network_equals_the_2d_network_on_a_still_video(padding: str, norm: str) -> None:
    from strokecast.models.watch.inflated import build, build_2d, inflate

    inflated_config = config("inflated", time_padding=padding, norm=norm, activation="elu", dropout=0.3)
    two_d, three_d = randomise_weights(build_2d(inflated_config, SPEC)), build(inflated_config, SPEC)
    still, moving = videos(still=True), videos()
    expected = run(two_d, still)
    assert np.abs(run(three_d, still) - expected).max() > 1e-2
    inflate(two_d, three_d)
    np.testing.assert_allclose(run(three_d, still), expected, atol=1e-4)
    assert np.abs(expected).max() > 0.1
    assert np.abs(run(three_d, moving) - run(two_d, moving)).max() > 1e-2
    assert {weight.path for weight in two_d.weights} == {weight.path for weight in three_d.weights}


def test_the_2d_network_reads_only_the_last_frame() -> None:
    from strokecast.models.watch.inflated import build_2d

    model, inputs = randomise_weights(build_2d(config("inflated"), SPEC)), videos()
    other = videos()["frames"][::-1].copy()
    other[:, -1] = inputs["frames"][:, -1]
    np.testing.assert_array_equal(run(model, {"frames": other}), run(model, inputs))
    assert np.abs(run(model, {"frames": inputs["frames"][:, ::-1]}) - run(model, inputs)).max() > 1e-3


def test_inflated_registers_its_pretraining() -> None:
    from strokecast.models.watch.inflated import build_2d, inflate

    pretraining = registry.get("watch", "inflated").pretraining
    assert pretraining is not None
    assert (pretraining.build, pretraining.transfer_weights) == (build_2d, inflate)


def test_too_few_frames_are_one_line() -> None:
    with pytest.raises(
        UserError,
        match=r"inflated\.config\.time_padding: convolution 2 needs 3 frames, 2 of 6 are left; set it to replicate",
    ):
        network("inflated", time_padding="valid", depths=(3, 3), time_strides=(2, 1))


def test_patch_divides_the_frame() -> None:
    with pytest.raises(UserError, match=r"patch: frames of 14 x 14 .* into patches of 5; allowed: a divisor"):
        network("video_transformer", patch=5)


def test_patches_attend_within_their_frame_and_frames_to_each_other() -> None:
    model, inputs = network("video_transformer"), videos()
    changed = inputs["frames"].copy()
    changed[:, 2, :7, :7] = 255 - changed[:, 2, :7, :7]  # one patch
    for layer, touched in (("vectors", [2]), ("time_1_add_1", list(range(N)))):
        moved = np.abs(layer_output(model, layer, {"frames": changed}) - layer_output(model, layer, inputs))
        assert np.flatnonzero(moved.max(axis=(0, 2)) > 1e-5).tolist() == touched
    patches = np.abs(
        layer_output(model, "space_1_add_1", {"frames": changed})
        - layer_output(model, "space_1_add_1", inputs)
    )
    assert (patches.max(axis=2).reshape(B, N, 4)[:, 2] > 1e-5).all()
