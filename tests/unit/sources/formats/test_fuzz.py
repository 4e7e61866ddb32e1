"""Fuzz tests of every parser: any bytes give drawings and rejects that add up, or one clear error line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strokecast.common import tfrecord
from strokecast.common.errors import UserError
from strokecast.sources.formats import binary, kaggle, ndjson, reading, simplify, tutorial
from strokecast.sources.formats.records import Drawing, Reject, RejectedError
from strokecast.sources.formats.strokes3 import to_strokes3

pytestmark = pytest.mark.slow

fuzz = settings(
    max_examples=150,
    deadline=None,  # the machine may be busy; pytest's own time limit catches a hang
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def a_file(name: str, data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def drain(items: Iterator[Any]) -> tuple[list[Any], UserError | None]:
    """The items of a parser, and the `UserError` that ended it; other exceptions propagate."""
    items_read: list[Any] = []
    user_error: UserError | None = None
    try:
        for item in items:
            items_read.append(item)  # noqa: PERF402  (items before an error count)
    except UserError as error:
        user_error = error
    check_one_line(user_error)
    return items_read, user_error


def check_one_line(error: UserError | None) -> None:
    if error is not None:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000


def check_numbers(items: list[Any]) -> None:
    """Each line or record has exactly one item."""
    assert [item.number for item in items] == list(range(1, len(items) + 1))
    for item in items:
        if isinstance(item, Reject):
            assert "\n" not in str(item)
            assert len(str(item)) < 400


@st.composite
def mutated(draw: st.DrawFn, original: bytes) -> bytes:
    """Real bytes with a few changes, deletions, duplications and insertions."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        size = draw(st.integers(0, 40))
        action = draw(st.sampled_from(["set", "cut", "double", "insert", "end"]))
        if action == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif action == "cut":
            del data[at : at + size]
        elif action == "double":
            data[at:at] = data[at : at + size]
        elif action == "insert":
            data[at:at] = draw(
                st.binary(max_size=12) | st.sampled_from([b"NaN", b"[", b"]", b"1e999", b"\n", b"-"])
            )
        else:
            del data[at:]
    return bytes(data)


def real_bytes(path: str) -> bytes:
    """The beginning of a real file; empty without the real data."""
    file = Path(__file__).resolve().parents[4] / "../shared/data" / path
    return file.read_bytes()[:20_000] if file.is_file() else b""


RAW, SIMPLIFIED = (
    real_bytes("quickdraw/full/raw/cat.ndjson"),
    real_bytes("quickdraw/full/simplified/crab.ndjson"),
)
BIN = real_bytes("quickdraw/full/binary/bed.bin") * 5
SHARD = real_bytes("quickdraw_tutorial/eval.tfrecord-00000-of-00002")
NPZ = real_bytes("quickdraw/sketchrnn/ant.npz")
KAGGLE = (Path(__file__).resolve().parents[3] / "cases/kaggle-csv/bee.csv").read_bytes()[:3000]
STROKE5 = (Path(__file__).resolve().parents[3] / "cases/npz/stroke5/cat.npz").read_bytes()


def check_ndjson(data: bytes, variant: ndjson.Variant) -> None:
    with a_file("cat.ndjson", data) as path:
        items, error = drain(ndjson.read(path, variant))
        assert error is None
        check_numbers(items)
        assert len(items) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
        options = reading.ReadOptions(valid_share=0.2, test_share=0.2)
        try:
            groups = reading.read_file(path, variant, "cat", options)
        except UserError:
            return
        good = [drawing for group in groups for drawing in group.drawings]
        assert len(good) + sum(len(group.rejects) for group in groups) == len(items)
        for drawing in good:
            assert drawing.dtype == np.int16
            assert np.abs(drawing[:, :2].astype(int)).max(initial=0) <= 255
            assert set(drawing[:, 2].tolist()) <= {0, 1}
            assert not len(drawing) or drawing[-1, 2] == 1


@fuzz
@given(data=st.binary(max_size=600) | st.text(alphabet='{}[]",:01.-eNaI \n', max_size=300).map(str.encode))
@pytest.mark.parametrize("variant", ["raw", "simplified"])
def test_any_bytes_as_ndjson(data: bytes, variant: ndjson.Variant) -> None:
    check_ndjson(data, variant)


@fuzz
@given(data=mutated(RAW))
def test_mutated_raw_ndjson(data: bytes) -> None:
    check_ndjson(data, "raw")


@fuzz
@given(data=mutated(SIMPLIFIED))
def test_mutated_simplified_ndjson(data: bytes) -> None:
    check_ndjson(data, "simplified")


NUMBERS = st.integers(-10, 300) | st.floats(width=32) | st.sampled_from([None, True, "7", [], 10**400, -0.0])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.slow
@fuzz
@given(
    fields=st.fixed_dictionaries(
        {},
        optional={
            "drawing": st.lists(
                st.lists(st.lists(NUMBERS | st.integers(0, 255), max_size=5), min_size=2, max_size=3),
                max_size=4,
            )
            | JSON,
            "key_id": JSON | st.text(alphabet="0123456789", max_size=30),
            "word": JSON,
            "recognized": JSON,
            "timestamp": JSON,
        },
    )
)
@pytest.mark.parametrize("variant", ["raw", "simplified"])
def test_any_json_as_a_line(
    ndjson_line: Callable[..., bytes], fields: dict[str, Any], variant: ndjson.Variant
) -> None:
    record = json.loads(ndjson_line(variant))
    check_ndjson(json.dumps(record | fields).encode(), variant)


def check_binary(data: bytes) -> None:
    with a_file("cat.bin", data) as path:
        items, error = drain(binary.read(path))
        check_numbers(items)
        cut = [item for item in items if isinstance(item, Reject) and item.kind == "cut"]
        assert len(cut) <= 1
        assert not cut or items[-1] is cut[0]
        if error is None and all(isinstance(item, Drawing) for item in items):
            sizes = (17 + sum(2 + 2 * stroke.shape[1] for stroke in item.strokes) for item in items)
            assert sum(sizes) == len(data)
        if error is None and not cut and items:
            binary.check(path)
        else:
            with pytest.raises(UserError):
                binary.check(path)
        try:
            groups = reading.read_file(path, "binary", "cat", reading.ReadOptions())
        except UserError:
            return
        assert sum(len(group.drawings) + len(group.rejects) for group in groups) == len(items)


@fuzz
@given(data=st.binary(max_size=400))
def test_any_bytes_as_binary(data: bytes) -> None:
    check_binary(data)


@fuzz
@given(data=mutated(BIN))
def test_mutated_binary(data: bytes) -> None:
    check_binary(data)


def check_shard(data: bytes) -> tuple[list[Any], UserError | None]:
    with a_file("eval.tfrecord-00000-of-00001", data) as path:
        items, error = drain(tutorial.read(path, 15))
        check_numbers(items)
        for item in items:
            if isinstance(item, tutorial.Ink):
                assert item.points.ndim == 2
                assert item.points.shape[1] == 3
                assert len(item.points) > 0
                assert 0 <= item.class_index < 15
        return items, error


@fuzz
@given(data=st.binary(max_size=400))
def test_any_bytes_as_tfrecords(data: bytes) -> None:
    items, error = check_shard(data)
    assert bool(items) <= bool(data)
    assert error is not None or not data or items


@fuzz
@given(data=mutated(SHARD))
def test_mutated_tfrecords(data: bytes) -> None:
    check_shard(data)


@fuzz
@given(data=st.lists(st.binary(max_size=80) | mutated(SHARD[12:700]), max_size=5))
def test_any_data_in_valid_records(tfrecord_of: Callable[[bytes], bytes], data: list[bytes]) -> None:
    items, error = check_shard(b"".join(tfrecord_of(record) for record in data))
    assert error is None
    assert len(items) == len(data)


@fuzz
@given(data=st.binary(max_size=300) | mutated(SHARD[12:700]))
def test_any_bytes_as_an_example(data: bytes) -> None:
    try:
        features = tfrecord.parse_example(data)
    except ValueError:
        return
    assert all(isinstance(values, list) for values in features.values())


@fuzz
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_as_class_names(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for set_name in tutorial.SETS:
            (Path(folder) / f"{set_name}.tfrecord.classes").write_bytes(data)
        try:
            names = tutorial.read_classes(Path(folder))
        except UserError as error:
            check_one_line(error)
            return
        assert names
        assert len(set(names)) == len(names)
        assert all(name.strip() and "/" not in name for name in names)


@fuzz
@given(
    data=st.binary(max_size=200)
    | mutated(KAGGLE)
    | st.binary(max_size=200).map((KAGGLE[:53] + b"\n").__add__)
)
def test_any_bytes_as_kaggle_csv(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bee.csv"
        path.write_bytes(data)
        items, error = drain(kaggle.read(path))
        assert [item.number for item in items] == list(range(2, len(items) + 2))
        assert error is not None or len(items) == data.count(b"\n") - data.endswith(b"\n")
        (Path(folder) / "source.json").write_text(
            '{"source": "kaggle_csv", "format": "kaggle", "classes": ["bee"], "words": {"bee.csv": ["bee"]}}'
        )
        groups, _ = drain(reading.read(Path(folder)))
        for group in groups:
            assert len(group.ids) == len(set(group.ids)) == len(group.drawings)


@fuzz
@given(data=mutated(NPZ) | mutated(STROKE5) | st.binary(max_size=200))
def test_mutated_npz(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ant.npz").write_bytes(data)
        (Path(folder) / "source.json").write_text(
            '{"source": "npz_folder", "format": "npz", "classes": ["ant"]}'
        )
        groups, _ = drain(reading.read(Path(folder)))
        for group in groups:
            assert len(group.ids) == len(set(group.ids)) == len(group.drawings)


@fuzz
@given(
    record=st.dictionaries(st.sampled_from(["format", "classes", "options", "cap", "source"]), JSON)
    | JSON
    | st.fixed_dictionaries(
        {
            "classes": st.just(["cat"]),
            "options": st.dictionaries(
                st.sampled_from(["valid_share", "test_share", "cap", "recognized_only", "x"]), JSON
            ),
        }
    )
)
def test_any_source_json(record: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "source.json").write_text(json.dumps(record))
        drain(reading.read(Path(folder)))


POINTS = st.lists(st.tuples(*[st.floats(-1e6, 1e6) | st.integers(0, 400)] * 2), min_size=1, max_size=25)


@fuzz
@given(strokes=st.lists(POINTS, min_size=1, max_size=4))
def test_simplified_drawings_stay_in_the_box_and_keep_their_ends(
    strokes: list[list[tuple[float, float]]],
) -> None:
    arrays = [np.array(stroke, dtype=np.float64).T for stroke in strokes]
    try:
        simplified = simplify.simplify(arrays)
    except RejectedError:
        return
    points = np.concatenate(simplified, axis=1)
    assert points.min() >= 0  # a turning point in line with the ends may be dropped, nothing else
    assert points.max() <= 255
    assert (points == np.rint(points)).all()
    low = np.concatenate(arrays, axis=1).min(axis=1)
    scale = 255 / (np.concatenate(arrays, axis=1).max(axis=1) - low).max()
    for before, after in zip(arrays, simplified, strict=True):
        assert after.shape[1] >= min(before.shape[1], 2)
        for end in (0, -1):
            assert np.abs((before[:, end] - low) * scale - after[:, end]).max() <= 0.5 + 1e-6
    rows = to_strokes3(simplified)
    assert len(rows) == points.shape[1] - 1
    assert rows[:, 2].sum() == len(strokes) - (simplified[0].shape[1] == 1)


def reference(points: np.ndarray, epsilon: float) -> np.ndarray:
    """The textbook Ramer-Douglas-Peucker, with the distance to the line."""
    if len(points) < 3:
        return points
    chord = points[-1] - points[0]
    offset = points - points[0]
    length = np.hypot(*chord)
    distance = (
        np.hypot(*offset.T)
        if length == 0
        else np.abs(chord[0] * offset[:, 1] - chord[1] * offset[:, 0]) / length
    )
    farthest = int(distance.argmax())
    if distance[farthest] <= epsilon:
        return points[[0, -1]]
    return np.vstack((reference(points[: farthest + 1], epsilon)[:-1], reference(points[farthest:], epsilon)))


@fuzz
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 200), closed=st.booleans())
def test_rdp_equals_the_textbook_algorithm(seed: int, n: int, closed: bool) -> None:
    points = np.random.default_rng(seed).normal(0, 3, (n, 2)).cumsum(axis=0)
    if closed:
        points[-1] = points[0]
    np.testing.assert_allclose(simplify.rdp(points.T).T, reference(points, simplify.EPSILON))
