"""What the video networks promise beyond the contract that all architectures share."""

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
    known = TRACK if name == "cnn_rnn_strokes" else {}
    testing = registry.get("watch", name).testing.model_dump()
    return registry.config("watch", name, {**testing, **known, **changes})


def network(name: str, **changes: Any) -> Any:
    """Built, with weights that are none of the initialisers': what holds must hold after training."""
    return randomised(registry.get("watch", name).build(config(name, **changes), SPEC))


def randomised(model: Any) -> Any:
    rng = np.random.default_rng(11)
    for variable in model.variables:
        if variable.dtype == "float32":
            drawn = rng.normal(0, 0.5, variable.shape)
            variable.assign(np.abs(drawn) + 0.2 if "variance" in variable.name else drawn)
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
    given = {tensor.name: inputs[tensor.name] for tensor in model.inputs}
    output: np.ndarray = model(given, training=False).numpy()
    return output


def inside(model: Any, layer: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """What a layer of the network gives."""
    import keras

    return run(keras.Model(model.inputs, model.get_layer(layer).output), inputs)


def test_the_eight_are_there() -> None:
    assert (
        sorted(
            [
                "frame_average",
                "cnn_rnn",
                "cnn_rnn_strokes",
                "conv_lstm",
                "conv3d",
                "two_stream",
                "inflated",
                "video_transformer",
            ]
        )
        == NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_ink_is_read_from_0_to_1(name: str) -> None:
    ink = inside(network(name), "ink", {**videos(), "frames": np.full((B, N, S, S), 255, np.uint8)})
    assert ink.dtype == np.float32
    np.testing.assert_allclose(ink, 1.0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_has_a_say_and_no_other_video(name: str) -> None:
    alive = {} if name in ("conv_lstm", "video_transformer") else {"activation": "elu"}  # a ReLU may be dead
    model, inputs = network(name, **alive), videos()
    plain = run(model, inputs)
    for frame in range(N):
        changed = {key: values.copy() for key, values in inputs.items()}
        changed["frames"][0, frame] = 255 - changed["frames"][0, frame]
        output = run(model, changed)
        assert np.abs(output[0] - plain[0]).max() > 1e-5, frame
        np.testing.assert_allclose(output[1:], plain[1:], atol=1e-4)


def test_an_average_does_not_know_the_order() -> None:
    model, inputs = network("frame_average"), videos()
    plain = run(model, inputs)
    for order in (np.arange(N)[::-1], np.random.default_rng(1).permutation(N)):
        np.testing.assert_allclose(
            run(model, {**inputs, "frames": inputs["frames"][:, order]}), plain, atol=1e-5
        )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "frame_average"])
def test_all_others_know_the_order(name: str) -> None:
    model, inputs = network(name), videos()
    turned = {key: np.ascontiguousarray(values[:, ::-1]) for key, values in inputs.items()}
    assert np.abs(run(model, turned) - run(model, inputs)).max() > 1e-3


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_each_frame_goes_through_the_same_network(norm: str) -> None:
    import keras

    from strokecast.models.layers.frames import image_vector

    settings, inputs = config("frame_average", norm=norm), videos()
    model = network("frame_average", norm=norm)
    picture = keras.Input((S, S, 1))
    alone = keras.Model(picture, image_vector(picture, settings))
    alone.set_weights(model.get_weights()[:-2])  # all but the head's
    vectors = inside(model, "vectors", inputs)
    assert vectors.shape == (B, N, settings.features)
    for frame in range(N):
        seen = alone(inputs["frames"][:, frame, :, :, None] / np.float32(255), training=False).numpy()
        np.testing.assert_allclose(vectors[:, frame], seen, atol=1e-4)


def test_folding_keeps_videos_apart() -> None:
    from strokecast.models.layers.frames import BatchAsFrames, FramesAsBatch, LastFrame

    video = np.arange(B * N * 2 * 2).reshape(B, N, 2, 2, 1).astype(np.float32)
    folded = FramesAsBatch()(video).numpy()
    np.testing.assert_array_equal(folded[N], video[1, 0])
    np.testing.assert_array_equal(BatchAsFrames(N)(folded).numpy(), video)
    np.testing.assert_array_equal(LastFrame()(video).numpy(), video[:, N - 1])


def test_the_track_is_brought_down_to_one_vector_a_frame_and_never_looks_ahead() -> None:
    model, inputs = network("cnn_rnn_strokes"), videos()
    down = "track_2_relu"
    plain = inside(model, down, inputs)
    assert plain.shape == (B, N, 5)
    assert model.get_layer("both").output.shape == (None, N, config("cnn_rnn_strokes").features + 5)
    for step in range(N * STEPS):
        changed = inputs["track"].copy()
        changed[:, step] += 3.0
        moved = np.abs(inside(model, down, {**inputs, "track": changed}) - plain).max(axis=(0, 2)) > 1e-6
        assert not moved[: step // STEPS].any()
        assert moved[step // STEPS]


@pytest.mark.parametrize("strides", [(2, 3), (4, 2)])
def test_strides_of_another_product_are_one_line(strides: tuple[int, int]) -> None:
    with pytest.raises(
        UserError,
        match=rf"cnn_rnn_strokes\.config\.track_strides: .*bring {strides[0] * strides[1]} steps down to one, a "
        r"frame has 4; allowed: numbers whose product is steps_per_frame, 4",
    ):
        network("cnn_rnn_strokes", track_strides=strides, track_kernels=(4, 4))


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        ("cnn_rnn_strokes", {"track_kernels": [6, 1, 4]}, "track_kernels should be at least track_strides"),
        ("cnn_rnn_strokes", {"track_filters": [3]}, "should be of one length"),
        ("cnn_rnn", {"kernels": [3]}, "filters and kernels should be lists of one length"),
        ("two_stream", {"motion_filters": [3]}, "filters and motion_filters should be lists of one length"),
        ("conv_lstm", {"strides": [1, 2]}, "first stride should be 2 or more"),
        ("conv_lstm", {"strides": [2]}, "lists of one length"),
        ("inflated", {"depths": [3]}, "lists of one length"),
        ("video_transformer", {"size": 6, "heads": 4}, "a multiple of heads"),
    ],
)
def test_a_bad_config_is_one_line(name: str, values: dict[str, Any], line: str) -> None:
    testing = registry.get("watch", name).testing.model_dump()
    with pytest.raises(UserError, match=line):
        registry.config("watch", name, {**testing, **values})


def test_appearance_knows_no_order_and_motion_does() -> None:
    model, inputs = network("two_stream", fusion="concatenate"), videos()
    plain = run(model, inputs)
    order = np.array([3, 0, 5, 1, 4, 2])
    looks = {**inputs, "frames": inputs["frames"][:, order]}
    moves = {**inputs, "motion": inputs["motion"][:, order]}
    np.testing.assert_allclose(run(model, looks), plain, atol=1e-5)
    assert np.abs(run(model, moves) - plain).max() > 1e-3


def test_late_fusion_is_the_mean_of_two_heads() -> None:
    model, inputs = network("two_stream", fusion="average"), videos()
    heads = [inside(model, f"{stream}_logits", inputs) for stream in ("appearance", "motion")]
    assert np.abs(heads[0] - heads[1]).max() > 1e-3
    np.testing.assert_allclose(run(model, inputs), (heads[0] + heads[1]) / 2, atol=1e-5)


def test_conv_lstm_keeps_states_as_images() -> None:
    model = network("conv_lstm")
    assert model.get_layer("conv_lstm_1").output.shape == (None, N, 4, 4, 2)  # 14 pixels, stride 4
    assert model.get_layer("conv_lstm_2").output.shape == (None, 2, 2, 3)


def test_a_residual_block_adds_to_what_came_in() -> None:
    model, inputs = network("conv3d"), videos()
    assert model.get_layer("block_1").output.shape == (None, N // 2, 4, 4, 4)  # 7 pixels after the stem
    norm = model.get_layer("block_1_conv_2_norm")
    norm.gamma.assign(norm.gamma * 0)
    norm.beta.assign(norm.beta * 0)
    short = inside(model, "block_1_short_norm", inputs)
    np.testing.assert_allclose(inside(model, "block_1", inputs), np.maximum(short, 0), atol=1e-5)


def test_factorised_convolutions_have_fewer_weights() -> None:
    whole, split = network("conv3d"), network("conv3d", factorised=True)
    assert split.get_layer("block_1_conv_2_space").kernel.shape[:3] == (1, 3, 3)
    assert split.get_layer("block_1_conv_2_time").kernel.shape[:3] == (3, 1, 1)
    assert split.count_params() < whole.count_params()
    assert split.get_layer("block_2").output.shape == whole.get_layer("block_2").output.shape


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("side", [7, 8])
def test_zeros_stand_where_a_two_dimensional_convolution_has_them(kernel: int, side: int) -> None:
    import keras

    from strokecast.models.layers.video import PadVideo

    video = np.random.default_rng(0).normal(size=(1, 3, side, side, 1)).astype(np.float32)
    flat = keras.layers.Conv2D(2, kernel, strides=2, padding="same")
    deep = keras.layers.Conv3D(2, (1, kernel, kernel), strides=(1, 2, 2))
    pad = PadVideo(1, kernel, 2)
    expected = flat(video[0]).numpy()
    deep.build((None, None, None, None, 1))
    deep.set_weights([flat.kernel.numpy()[None], flat.bias.numpy()])
    padded = pad(video)
    assert tuple(pad.compute_output_spec(keras.KerasTensor(video.shape)).shape) == tuple(padded.shape)
    np.testing.assert_allclose(deep(padded).numpy()[0], expected, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_time_is_padded_with_its_ends(depth: int) -> None:
    from strokecast.models.layers.video import PadVideo

    video = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1)).astype(np.float32)
    before = (depth - 1) // 2
    expected = np.pad(video, ((0, 0), (before, depth - 1 - before), (0, 0), (0, 0), (0, 0)), mode="edge")
    np.testing.assert_array_equal(PadVideo(depth, 1, 1)(video).numpy(), expected)


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("padding", ["replicate", "valid"])
def test_inflated_says_of_a_still_video_what_the_picture_network_says(padding: str, norm: str) -> None:
    from strokecast.models.watch.inflated import build, build_2d, inflate

    settings = config("inflated", time_padding=padding, norm=norm, activation="elu", dropout=0.3)
    first, second = randomised(build_2d(settings, SPEC)), build(settings, SPEC)
    still, moving = videos(still=True), videos()
    expected = run(first, still)
    assert np.abs(run(second, still) - expected).max() > 1e-2
    inflate(first, second)
    np.testing.assert_allclose(run(second, still), expected, atol=1e-4)
    assert np.abs(expected).max() > 0.1
    assert np.abs(run(second, moving) - run(first, moving)).max() > 1e-2
    assert {weight.path for weight in first.weights} == {weight.path for weight in second.weights}


def test_a_picture_network_sees_the_last_frame_alone() -> None:
    from strokecast.models.watch.inflated import build_2d

    model, inputs = randomised(build_2d(config("inflated"), SPEC)), videos()
    other = videos()["frames"][::-1].copy()
    other[:, -1] = inputs["frames"][:, -1]
    np.testing.assert_array_equal(run(model, {"frames": other}), run(model, inputs))
    assert np.abs(run(model, {"frames": inputs["frames"][:, ::-1]}) - run(model, inputs)).max() > 1e-3


def test_inflation_is_named_where_it_is_registered() -> None:
    from strokecast.models.watch.inflated import build_2d, inflate

    before = registry.get("watch", "inflated").pretraining
    assert before is not None
    assert (before.build, before.transfer_weights) == (build_2d, inflate)


def test_no_frame_left_is_one_line() -> None:
    with pytest.raises(
        UserError, match=r"inflated\.config\.time_padding: convolution 2 sees 3 frames, 2 of 6 are left; say"
    ):
        network("inflated", time_padding="valid", depths=(3, 3), time_strides=(2, 1))


def test_patches_are_whole() -> None:
    with pytest.raises(UserError, match=r"patch: frames of 14 x 14 .* into patches of 5; allowed: a divisor"):
        network("video_transformer", patch=5)


def test_patches_attend_within_their_frame_and_frames_to_each_other() -> None:
    model, inputs = network("video_transformer"), videos()
    changed = inputs["frames"].copy()
    changed[:, 2, :7, :7] = 255 - changed[:, 2, :7, :7]  # one patch
    for layer, touched in (("vectors", [2]), ("time_1_add_1", list(range(N)))):
        moved = np.abs(inside(model, layer, {"frames": changed}) - inside(model, layer, inputs))
        assert np.flatnonzero(moved.max(axis=(0, 2)) > 1e-5).tolist() == touched
    patches = np.abs(
        inside(model, "space_1_add_1", {"frames": changed}) - inside(model, "space_1_add_1", inputs)
    )
    assert (patches.max(axis=2).reshape(B, N, 4)[:, 2] > 1e-5).all()
