"""The digest of source changes with what the code does, not with how it is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from strokecast.common.source_digest import source_digest, source_files

SOURCE = '''"""A module."""

def double(x):
    """Return twice x."""
    return 2 * x  # twice
'''


def digest(folder: Path, text: str, name: str = "module.py") -> str:
    (folder / name).write_text(text)
    return source_digest(source_files(folder), folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # twice", ""),
        ('"""A module."""', '"""Another docstring."""\n\n'),
        ('    """Return twice x."""\n', ""),
        ("2 * x", "(2 * x)"),
        ("def double(x):", "def double(\n    x,\n):"),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert digest(tmp_path, SOURCE.replace(old, new)) == digest(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2 * x", "3 * x"), ("2 * x", "x * 2"), ("double", "twice"), ("2 * x", "2.0 * x"), ("(x)", "(x=1)")],
)
def test_code_counts(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert digest(tmp_path, SOURCE.replace(old, new)) != digest(tmp_path, SOURCE)


def test_a_string_that_is_not_a_docstring_counts(tmp_path: Path) -> None:
    assert digest(tmp_path, 'x = """a"""') != digest(tmp_path, 'x = """b"""')


def test_names_and_other_files_count(tmp_path: Path) -> None:
    first = digest(tmp_path, SOURCE)
    assert digest(tmp_path, "[1]", "table.json") != first
    (tmp_path / "table.json").unlink()
    (tmp_path / "module.py").rename(tmp_path / "other.py")
    assert source_digest(source_files(tmp_path), tmp_path) != first


def test_a_module_that_does_not_parse_counts_as_its_bytes(tmp_path: Path) -> None:
    assert digest(tmp_path, "def :") != digest(tmp_path, "def ::")


def test_compiled_modules_do_not_count(tmp_path: Path) -> None:
    first = digest(tmp_path, SOURCE)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__/module.cpython-311.pyc").write_bytes(b"\0")
    assert source_digest(source_files(tmp_path), tmp_path) == first
