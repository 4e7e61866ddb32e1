"""Digest of Python source by what it does: comments, docstrings and layout do not change it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_digest(files: Iterable[Path], root: Path, *extra: str) -> str:
    """Hex sha256 over the paths relative to `root`, the contents of the files, and `extra`.

    A module of Python counts as its syntax tree without docstrings, which is the same under Python 3.11
    and 3.12; any other file, and a module that does not parse, counts as its bytes.
    """
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + _content(path) + b"\0")
    for text in extra:
        total.update(text.encode() + b"\0")
    return total.hexdigest()


def source_files(folder: Path) -> list[Path]:
    """The files below `folder`, sorted, without compiled modules; the file itself if it is one."""
    if folder.is_file():
        return [folder]
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.parent.name != "__pycache__")


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".py":
        return content
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return content
    return "".join(_tokens(tree)).encode()


def _tokens(node: ast.AST) -> Iterator[str]:
    """The node as text. Fields without a value are left out: Python 3.12 has more of them."""
    yield f"{type(node).__name__}("
    for name, value in ast.iter_fields(node):
        items = value if isinstance(value, list) else [value]
        if (
            name == "body"
            and isinstance(node, _DOCUMENTED)
            and ast.get_docstring(node, clean=False) is not None
        ):
            items = items[1:]
        for item in items:
            if isinstance(item, ast.AST):
                yield f"{name}="
                yield from _tokens(item)
            elif item is not None:
                yield f"{name}={item!r},"
    yield ")"
