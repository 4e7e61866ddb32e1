"""A YAML file that is not small, plain YAML ends in one line at once, in every command that reads one."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from strokecast.commands import cli
from strokecast.common.errors import UserError
from strokecast.params.yaml_file import MAX_BYTES, MAX_VALUES, read_text, read_yaml

ROOT = Path(__file__).parents[3]


def _bomb(item: str, repeated: str) -> str:
    rows = [f"a0: &a0 {item}"]
    rows += [f"a{n}: &a{n} {repeated.replace('?', f'*a{n - 1}')}" for n in range(1, 12)]
    return "\n".join(rows) + "\n"


LISTS = _bomb("[x, x, x, x, x, x, x, x, x]", "[?, ?, ?, ?, ?, ?, ?, ?, ?]")
MAPPINGS = _bomb("{k: 1}", "{" + ", ".join(f"k{n}: ?" for n in range(9)) + "}")
MERGES = _bomb("{k: 1}", "{<<: [?, ?, ?, ?, ?, ?, ?, ?, ?]}")

BAD = {
    "lists that multiply": (LISTS, "holds too many values"),
    "mappings that multiply": (MAPPINGS, "holds too many values"),
    "merge keys that multiply": (MERGES, "holds too many values"),
    "aliases that nest": ("".join(f"a{n}: &a{n} [*a{n - 1}]\n" if n else "a0: &a0 1\n" for n in range(40)), "nested"),
    "an alias of itself": ("series: &a {source: *a}\n", "*a contains itself"),
    "an alias of nothing": ("series: *nothing\n", "line 1: not valid YAML: found undefined alias"),
    "deep lists": ("a: " + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
    "deep mappings that stay open": ("a: " + "{a: " * 50_000, "nested too deeply"),
    "deep block lists": ("a:\n  " + "- " * 50_000 + "x\n", "nested too deeply"),
    "deep block mappings": ("".join(" " * n + "a:\n" for n in range(500)), "nested too deeply"),
    "many values": ("a: [" + "1," * 50_000 + "1]\n", "holds too many values"),
    "a large file": ("".join(f"k{n}: {n}\n" for n in range(50_000)), "is too large; allowed: at most 256 KB"),
    "a key twice": ("series: {source: births}\nseries: {}\n", "line 2: the key 'series' is written twice"),
    "a tab": ("series:\n\tsource: births\n", "line 2: a tab indents this line; indent with spaces"),
    "Latin-1": ("a: 1\nseries: {source: 'gebürt'}\n".encode("latin-1"), "line 2: is not UTF-8 text"),
    "UTF-16": ("series: {source: births}\n".encode("utf-16"), "line 1: is not UTF-8 text; save it"),
    "a control character": (b"a: 1\nb: x\x07\n", "line 2: not valid YAML: unacceptable character #x0007"),
    "a NUL in quotes": ('series: {source: "a\\0b"}\n', "series.source: the text contains a NUL character"),
    "half a surrogate pair": ('series: {source: "\\uD800"}\n', "line 1: not valid YAML"),
    "a Python object": ("a: !!python/object/apply:os.system [x]\n", "line 1: the tag !!python/object/apply:os"),
    "a set": ("a: !!set {a, b}\n", "line 1: the tag !!set is not supported; remove it"),
    "binary data": ("a: !!binary aGVsbG8=\n", "line 1: the tag !!binary is not supported"),
    "a date": ("a: {b: 2020-01-01}\n", 'a.b: 2020-01-01 is a date without quotes, which DVC cannot read; write "2020'),
    "no date": ("a: 1\nb: 2020-02-31\n", "line 2: not a number or a date"),
    "5000 digits": (f"a: {'9' * 5000}\n", "line 1: not a number or a date"),
    "a large integer": ("a: {b: 0x" + "9" * 20_000 + "}\n", "a.b: the integer is too large"),
    "a number as a key": ("models: {1: {}}\n", "models: the key 1 is not text; put quotes around it"),
    "true as a key": ("models: {true: {}}\n", "models: the key true is not text"),
    "null as a key": ("~: 1\n", "the key null is not text"),
    "a list as a key": ("? [a]\n: 1\n", "the key ('a',) is not text"),
    "a mapping as a key": ("? {a: b}\n: 1\n", "line 1: not valid YAML: found unhashable key"),
    "two documents": ("a: 1\n---\nb: 2\n", "line 2: not valid YAML: expected a single document"),
    "an open bracket": ("series: {source: births\n", "not valid YAML: while parsing a flow mapping"),
    "a number to merge": ("series: {<<: 3}\n", "line 1: not valid YAML: expected a mapping"),
    "nothing": ("", "is empty; allowed: keys with values"),
    "a list": ("- a\n", "is not a mapping; allowed: keys with values"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_line_within_a_second(case: str, tmp_path: Path) -> None:
    text, words = BAD[case]
    path = tmp_path / "params.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    started = time.process_time()
    with pytest.raises(UserError) as error:
        read_yaml(path)
    assert time.process_time() - started < 1
    assert words in str(error.value)
    assert str(error.value).startswith(str(path))
    assert len(str(error.value)) < 400


def test_anchors_merge_keys_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("\ufeffa: &a {x: 1, y: !!str 2}\nb: {<<: *a, x: 3}\nc: *a\n", encoding="utf-8")
    assert read_yaml(path) == {"a": {"x": 1, "y": "2"}, "b": {"x": 3, "y": "2"}, "c": {"x": 1, "y": "2"}}


def test_a_file_at_the_limits_is_read_within_a_second(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    rows = [f"k{n}: {n}" for n in range(MAX_VALUES // 2 - 1)]
    path.write_text("\n".join(rows) + "\n" + "#" * (MAX_BYTES - 1 - len("\n".join(rows) + "\n")))
    started = time.process_time()
    assert len(read_yaml(path)) == len(rows)
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize(
    ("make", "words"), [("mkdir", "is not a file"), ("touch", "is empty"), ("", "no such file")]
)
def test_what_is_not_a_file(make: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    if make:
        getattr(path, make)()
    with pytest.raises(UserError, match=words):
        read_yaml(path)


def test_a_link_in_a_circle_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").symlink_to("params.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        read_text(tmp_path / "params.yaml")


COMMANDS = (
    ["check"],
    ["params", "--resolved"],
    ["preset", "apply", "good"],
    ["repro"],
    ["sync"],
    ["clean"],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "text", [LISTS, "a: " + "[" * 100_000, "a: 1\na: 2\n"], ids=["bomb", "deep", "twice"]
)
def test_every_command_that_reads_params_yaml_ends_at_once(
    arguments: Sequence[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(text)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/good.yaml").write_text("series: {source: births}\n")
    started = time.process_time()
    result = CliRunner().invoke(cli.main, arguments)
    assert time.process_time() - started < 2  # most of it imports
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("error: params.yaml")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "text", [LISTS, "a: " + "[" * 100_000, "a: 1\na: 2\n"], ids=["bomb", "deep", "twice"]
)
def test_a_bad_preset_ends_at_once(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/bad.yaml").write_text(text)
    result = CliRunner().invoke(cli.main, ["preset", "apply", "bad"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: presets/bad.yaml")
    assert len(result.stderr.splitlines()) == 1


def test_marks_of_a_merge_are_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\n")
    with pytest.raises(UserError) as error:
        read_yaml(path)
    assert (
        str(error.value)
        == f"{path}, line 2: git left marks of a merge conflict; keep one side of each and remove the marks"
    )
