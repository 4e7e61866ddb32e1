"""Safe unpickling of number arrays from untrusted files.

The unpickler maps the four names that numpy's array pickles use (as written by numpy 1 and numpy 2)
to replacement classes in this module and rejects every other name. So no code chosen by the pickle
runs, and no unchecked state reaches numpy's C code. The result is an object array of number arrays.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import IO, Any

import numpy as np


class UnsafePickleError(Exception):
    """The pickle needs something that an array of numbers does not need."""


class _DType:
    """Replaces `numpy.dtype`: numbers and plain objects only."""

    __slots__ = ("code",)

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        text = code.decode("ascii") if isinstance(code, bytes) else code
        if text not in ("O", "O8", "O4") and np.dtype(_check_text(text)).kind not in "biuf":
            raise UnsafePickleError(f"contains values of type {text!r}")
        self.code = "O" if text[0] == "O" else text

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise UnsafePickleError(f"names the byte order {order!r}")
        if self.code != "O" and order in "<>":
            self.code = order + self.code.lstrip("<>=|")


class _Array:
    """Replaces `numpy.ndarray`; `value` is the array once `__setstate__` was called."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, fortran, data = state[-4:]
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple):
            raise UnsafePickleError("contains an array without a number type")
        if dtype.code == "O":
            self.value = _object_array(shape, data)
            return
        raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
        flat = np.frombuffer(raw, dtype=dtype.code)
        self.value = flat.reshape([_check_count(n) for n in shape], order="F" if fortran else "C")


def _object_array(shape: tuple[Any, ...], data: Any) -> np.ndarray:
    if not isinstance(data, list):
        raise UnsafePickleError("contains objects that are not in a list")
    array = np.empty(len(data), dtype=object)
    for index, item in enumerate(data):
        array[index] = item.value if isinstance(item, _Array) else item
    return array.reshape([_check_count(n) for n in shape])


def _check_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise UnsafePickleError(f"names the shape {value!r}")
    return value


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise UnsafePickleError(f"names the type {value!r}")
    return value


def _reconstruct(array_type: Any, shape: Any, code: Any) -> _Array:
    if array_type is not _Array:
        raise UnsafePickleError("builds something other than an array")
    return _Array()


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise UnsafePickleError(f"encodes as {encoding!r}")
    return text.encode("latin1")


_NAMES: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise UnsafePickleError(
                f"needs {module}.{name}, which an array of numbers does not need"
            ) from None


def load_objects(file: IO[bytes]) -> np.ndarray:
    """Read one pickled object array of number arrays (numpy 1 or 2, Python 2 or 3).

    Raises:
        UnsafePickleError: if the pickle names anything else; nothing that it names is run.
        Exception: any exception that the unpickler raises on damaged bytes.
    """
    loaded = _Unpickler(file, encoding="latin1").load()
    if not isinstance(loaded, _Array) or loaded.value is None or loaded.value.dtype != np.dtype(object):
        raise UnsafePickleError("is not an array of drawings")
    return loaded.value
