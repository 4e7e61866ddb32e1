"""Sketch-RNN files: reading, writing, and what is rejected."""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import npz

Splits = dict[str, list[np.ndarray]]


def equal(a: Splits, b: Splits) -> bool:
    return list(a) == list(b) and all(
        len(a[s]) == len(b[s])
        and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a[s], b[s], strict=True))
        for s in a
    )


def object_array(drawings: list[np.ndarray]) -> np.ndarray:
    array = np.empty(len(drawings), dtype=object)
    array[:] = drawings
    return array


def npy_of(array: np.ndarray, protocol: int = 4) -> bytes:
    """The bytes that `np.save` writes for an object array, with any pickle protocol."""
    data = io.BytesIO()
    np.lib.format.write_array_header_1_0(data, np.lib.format.header_data_from_array_1_0(array))
    pickle.dump(array, data, protocol=protocol)
    return data.getvalue()


def member(header: bytes | None, payload: bytes) -> bytes:
    """An npy file of an object array with one item; its pickle is `payload`."""
    if header is None:
        data = io.BytesIO()
        np.lib.format.write_array_header_1_0(data, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        header = data.getvalue()
    return header + payload


def with_train(path: Path, train: bytes, good: Path) -> Path:
    """A copy of `good` with another `train.npy`."""
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, train if name == "train.npy" else source.read(name))
    return path


@pytest.fixture
def good(tmp_path: Path, drawings: Splits) -> Path:
    path = tmp_path / "good.npz"
    npz.write_class(path, drawings)
    return path


def read_error(path: Path, message: str) -> str:
    with pytest.raises(UserError, match=message) as caught:
        npz.read_class(path)
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line
    return line


# ---------------------------------------------------------------- reading and writing


def test_written_drawings_are_read_back(good: Path, drawings: Splits) -> None:
    assert equal(npz.read_class(good), drawings)


def test_one_split_is_read_without_unpacking_the_others(
    tmp_path: Path, good: Path, drawings: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    unpickle = npz.load_objects
    monkeypatch.setattr(npz, "load_objects", lambda data: loads.append(1) or unpickle(data))
    for split in npz.SPLITS:
        split_drawings = npz.read_split(good, split)
        assert equal({split: split_drawings}, {split: drawings[split]})
    assert len(loads) == 3
    broken = with_train(tmp_path / "broken.npz", b"no array", good)
    assert npz.read_split(broken, "valid")
    with pytest.raises(UserError, match=r"train\.npy"):
        npz.read_split(broken, "train")


def test_the_bytes_do_not_depend_on_dtype_or_memory_layout(tmp_path: Path, drawings: Splits) -> None:
    other = {s: [np.asfortranarray(d.astype(np.int64)) for d in items] for s, items in drawings.items()}
    npz.write_class(tmp_path / "a.npz", drawings)
    npz.write_class(tmp_path / "b.npz", other)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.slow
def test_numpy_reads_the_written_files_in_the_official_layout(good: Path, drawings: Splits) -> None:
    # In a separate process: the only place where the test trusts a pickle (its own).
    code = (
        "import sys, numpy as np\n"
        "d = np.load(sys.argv[1], **{'allow_' + 'pickle': True})\n"
        "print(sorted(d.files), d['train'].dtype, d['train'].shape, d['train'][0].dtype, d['train'][0].sum())"
    )
    process = subprocess.run(
        [os.sys.executable, "-c", code, str(good)], capture_output=True, text=True, check=True
    )
    train = drawings["train"]
    assert (
        process.stdout.strip() == f"['test', 'train', 'valid'] object ({len(train)},) int16 {train[0].sum()}"
    )


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_pickle_protocol_of_numpy_is_read(
    tmp_path: Path, good: Path, drawings: Splits, protocol: int
) -> None:
    assert equal(
        npz.read_class(
            with_train(tmp_path / "p.npz", npy_of(object_array(drawings["train"]), protocol), good)
        ),
        drawings,
    )


def test_numpy_1_names_are_read(tmp_path: Path, good: Path, drawings: Splits) -> None:
    new = npy_of(object_array(drawings["train"]), 3)
    old = new.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != new
    assert equal(npz.read_class(with_train(tmp_path / "old.npz", old, good)), drawings)


def test_plain_number_arrays_are_read(tmp_path: Path) -> None:
    train = np.arange(2 * 4 * 3, dtype=np.float32).reshape(2, 4, 3)
    np.savez(tmp_path / "n.npz", train=train, valid=np.asfortranarray(train[:1]), test=train.astype(">i2"))
    read = npz.read_class(tmp_path / "n.npz")
    assert [len(read[s]) for s in npz.SPLITS] == [2, 1, 2]
    assert np.array_equal(read["train"][1], train[1])
    assert np.array_equal(read["valid"][0], train[0])
    assert np.array_equal(read["test"][1], train[1])


def test_drawings_of_equal_length_in_an_object_array_of_numbers_are_read(tmp_path: Path, good: Path) -> None:
    square = np.arange(2 * 4 * 3).reshape(2, 4, 3)
    read = npz.read_class(with_train(tmp_path / "o.npz", npy_of(square.astype(object)), good))
    assert np.array_equal(np.stack(read["train"]), square)


def test_an_empty_drawing_is_kept_for_validation(tmp_path: Path, drawings: Splits) -> None:
    npz.write_class(
        tmp_path / "e.npz", {**drawings, "train": [np.zeros((0, 3), np.int16), drawings["train"][0]]}
    )
    assert npz.read_class(tmp_path / "e.npz")["train"][0].shape == (0, 3)


def test_a_python_2_file_is_read(shared: Path) -> None:
    read = npz.read_class(shared / "sketchrnn_py2" / "short_kanji.npz")
    assert {s: len(d) for s, d in read.items()} == {"train": 10_000, "valid": 600, "test": 500}
    assert read["train"][0].dtype == np.int16
    assert all(d[-1, 2] == 1 for d in read["test"])


def test_every_real_class_is_read(shared: Path) -> None:
    paths = sorted((shared / "quickdraw" / "sketchrnn").glob("*.npz"))
    assert len(paths) == 20
    lengths = []
    for path in paths:
        npz.check_class(path)
        read = npz.read_class(path)
        assert {s: len(d) for s, d in read.items()} == {"train": 650, "valid": 50, "test": 100}
        lengths += [len(d) for items in read.values() for d in items]
    assert (min(lengths), float(np.median(lengths)), max(lengths)) == (12, 48.0, 209)


# ---------------------------------------------------------------- unsafe pickles


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def test_a_pickle_that_calls_os_system_is_rejected_and_not_run(tmp_path: Path, good: Path) -> None:
    touched = tmp_path / "touched"
    payload = pickle.dumps(Calls(os.system, f"touch {touched}"))
    line = read_error(with_train(tmp_path / "evil.npz", member(None, payload), good), "system")
    assert not touched.exists()
    assert "trust" in line


def test_a_call_inside_a_drawing_is_rejected_and_not_run(
    tmp_path: Path, good: Path, drawings: Splits
) -> None:
    touched = tmp_path / "touched"
    items = object_array([*drawings["train"], Calls(os.system, f"touch {touched}")])  # type: ignore[list-item]
    read_error(with_train(tmp_path / "evil.npz", npy_of(items), good), "system")
    assert not touched.exists()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (pickle.dumps(Calls(eval, "1")), "builtins.eval"),
        (pickle.dumps(Calls(getattr, "a", "upper")), "builtins.getattr"),
        (b"cnumpy\nfromfile\n.", "numpy.fromfile"),
        (b"cnumpy.core.multiarray\nscalar\n.", "scalar"),
        (b"cstrokecast.sources.formats.unpickle\nload_objects\n.", "load_objects"),
        (pickle.dumps([1, 2, 3]), "not an array of drawings"),
        (pickle.dumps(np.zeros(3)), "not an array of drawings"),
    ],
)
def test_any_other_name_is_rejected(tmp_path: Path, good: Path, payload: bytes, message: str) -> None:
    read_error(with_train(tmp_path / "evil.npz", member(None, payload), good), re.escape(message))


def test_objects_as_raw_bytes_never_become_pointers(tmp_path: Path, good: Path) -> None:
    # numpy's own unpickling would use these bytes as addresses of Python objects
    plain = pickle.dumps(np.zeros(6, np.int64), protocol=3)
    forged = plain.replace(b"i8", b"O8")
    assert forged != plain
    read_error(with_train(tmp_path / "forged.npz", member(None, forged), good), "not safe to read|damaged")


def test_drawings_of_another_shape_are_an_error(tmp_path: Path, good: Path) -> None:
    flat = npy_of(object_array([np.zeros((4, 2), np.int16)]))
    read_error(with_train(tmp_path / "flat.npz", flat, good), r"drawing 0 has the shape \[4, 2\]")


# ---------------------------------------------------------------- damage


def test_a_missing_file(tmp_path: Path) -> None:
    read_error(tmp_path / "none.npz", "no such file")


def test_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("<html>not found</html>")
    read_error(tmp_path / "text.npz", "is an HTML page, not a Sketch-RNN npz")


def test_a_missing_array_names_the_existing_ones(tmp_path: Path) -> None:
    np.savez(tmp_path / "k.npz", train=np.zeros((1, 2, 3)), test=np.zeros((1, 2, 3)))
    line = read_error(tmp_path / "k.npz", "lacks the array valid")
    assert "test, train" in line


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.95, 0.999])
def test_a_file_truncated_anywhere(tmp_path: Path, shared: Path, share: float) -> None:
    data = (shared / "quickdraw" / "sketchrnn" / "face.npz").read_bytes()
    path = tmp_path / "face.npz"
    path.write_bytes(data[: int(share * len(data))])
    read_error(path, "damaged")
    with pytest.raises(UserError, match=re.escape(str(path))):
        npz.check_class(path)


def test_a_file_without_its_first_byte(tmp_path: Path, good: Path) -> None:
    path = tmp_path / "shifted.npz"
    path.write_bytes(good.read_bytes()[1:])  # its directory then names a negative offset
    read_error(path, "damaged")


def test_a_flipped_byte_is_found_by_the_checksum(tmp_path: Path, good: Path) -> None:
    data = bytearray(good.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "flipped.npz"
    path.write_bytes(data)
    read_error(path, "damaged")
    with pytest.raises(UserError, match="damaged"):
        npz.check_class(path)


def header(text: str, length: int | None = None) -> bytes:
    raw = text.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + (len(raw) if length is None else length).to_bytes(4, "little") + raw


@pytest.mark.parametrize(
    "head",
    [
        header("{'descr': '<i2', 'fortran_order': False, 'shape': (99999999999999, 9, 3)}"),
        header("{'descr': '<i2', 'fortran_order': False, 'shape': (-1, 9, 3)}"),
        header("{'descr': '<i2', 'fortran_order': False, 'shape': (1, 1, 3)}", length=0xFFFFFFFF),
        header(" " * 200_000 + "{}"),
        header("(" * 9_000),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (99999999999999,)}"),
        header("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}"),
        header("__import__('os').system('true')"),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    ids=["huge", "negative", "long", "padded", "nested", "objects", "record", "call", "version", "empty"],
)
def test_absurd_headers_are_an_error(tmp_path: Path, good: Path, head: bytes) -> None:
    path = with_train(tmp_path / "h.npz", head + pickle.dumps(None), good)
    assert len(read_error(path, "damaged|not safe to read")) < 800


def test_a_zip_bomb_is_rejected_before_it_is_unpacked(
    tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 100)
    read_error(good, "bytes unpacked, more than 100")


@pytest.mark.parametrize("columns", [3, 5])
def test_unsigned_numbers_are_an_error_as_moves_to_the_left_became_large_ones(
    tmp_path: Path, good: Path, columns: int
) -> None:
    moves = np.array([[5, 3, 0, 0, 0], [-1, -4, 0, 0, 0]], np.int16)
    moves[:, 2 if columns == 5 else 4] = columns == 5
    unsigned = object_array([moves[:, :columns].astype(np.uint8)] * 2)
    path = with_train(tmp_path / "unsigned.npz", npy_of(unsigned), good)
    read_error(path, r"drawing 0 has unsigned numbers \(uint8\)")


def test_read_each_goes_on_after_a_drawing_of_the_wrong_shape(tmp_path: Path) -> None:
    good = np.array([[1, 2, 0], [3, 4, 1]], np.int16)
    path = tmp_path / "a.npz"
    np.savez(
        path,
        train=object_array([good, good[:, :2], good + 1]),
        valid=object_array([]),
        test=np.stack([good, good]),
    )
    items = list(npz.read_each(path))
    assert [(split, index) for split, index, _ in items] == [
        ("train", 0),
        ("train", 1),
        ("train", 2),
        ("test", 0),
        ("test", 1),
    ]
    assert "drawing 1 has the shape [2, 2]" in str(items[1][2])
    assert all(isinstance(item, np.ndarray) for _, _, item in items[:1] + items[2:])


def test_other_number_types_are_written_exactly(tmp_path: Path) -> None:
    drawing = np.array([[0.25, -0.125, 0], [0.5, 0, 1]], np.float32)
    npz.write_class(tmp_path / "a.npz", {"train": [drawing], "valid": [], "test": []}, np.float32)
    [read] = npz.read_split(tmp_path / "a.npz", "train")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, drawing)
