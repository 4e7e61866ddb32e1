"""Arrays out of a pickle that nobody vouches for.

The unpickler answers the four names that numpy's own array pickles use (in the spelling of numpy
1 and of numpy 2) with stand-ins written here and refuses every other name, so that no code of the
pickle's choosing runs and no state reaches numpy's C code unchecked. Only numbers and, for the
outer array, a list of such arrays come out.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import IO, Any

import numpy as np


class RefusedError(Exception):
    """The pickle asks for something that no array of numbers needs."""


class _DType:
    """Stands in for `numpy.dtype`: numbers and plain objects only."""

    __slots__ = ("code",)

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        text = code.decode("ascii") if isinstance(code, bytes) else code
        if text not in ("O", "O8", "O4") and np.dtype(_text(text)).kind not in "biuf":
            raise RefusedError(f"holds values of type {text!r}")
        self.code = "O" if text[0] == "O" else text

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise RefusedError(f"names the byte order {order!r}")
        if self.code != "O" and order in "<>":
            self.code = order + self.code.lstrip("<>=|")


class _Array:
    """Stands in for `numpy.ndarray`; `value` is the array once its state was given."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, dtype, fortran, data = state[-4:]
        if not isinstance(dtype, _DType) or not isinstance(shape, tuple):
            raise RefusedError("holds an array without a number type")
        if dtype.code == "O":
            self.value = _objects(shape, data)
            return
        raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
        flat = np.frombuffer(raw, dtype=dtype.code)
        self.value = flat.reshape([_count(n) for n in shape], order="F" if fortran else "C")


def _objects(shape: tuple[Any, ...], data: Any) -> np.ndarray:
    if not isinstance(data, list):
        raise RefusedError("holds objects that are no list")
    array = np.empty(len(data), dtype=object)
    for index, item in enumerate(data):
        array[index] = item.value if isinstance(item, _Array) else item
    return array.reshape([_count(n) for n in shape])


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise RefusedError(f"names the shape {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"names the type {value!r}")
    return value


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _Array:
        raise RefusedError("builds something other than an array")
    return _Array()


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise RefusedError(f"encodes as {encoding!r}")
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
            raise RefusedError(f"asks for {module}.{name}, which no array of numbers needs") from None


def load_objects(file: IO[bytes]) -> np.ndarray:
    """Read one pickled object array of number arrays (numpy 1 or 2, Python 2 or 3).

    Raises:
        RefusedError: if the pickle names anything else; nothing that it names is run.
        Exception: whatever the unpickler raises on damaged bytes.
    """
    found = _Unpickler(file, encoding="latin1").load()
    if not isinstance(found, _Array) or found.value is None or found.value.dtype != np.dtype(object):
        raise RefusedError("is no array of drawings")
    return found.value
