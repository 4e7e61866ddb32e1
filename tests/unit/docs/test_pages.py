"""README, docs and the other pages of the repository: links, commands, keys, pictures and example outputs are right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from strokecast import params
from strokecast.commands.cli import main
from strokecast.models.common import registry

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")],
    key=lambda path: path.as_posix(),
)
GUIDE = [
    page for page in PAGES if page.name not in ("CHANGELOG.md", "lab-notes.md")
]  # pages about the present state
FENCES = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SECTIONS = tuple(params.Params.model_fields)
LIMIT = 200_000  # bytes


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings: GitHub keeps a hyphen per space, MkDocs one per run of spaces."""
    headings = re.findall(r"^#+ (.*)$", FENCES.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings]
    return {re.sub(spaces, "-", heading) for heading in words for spaces in (" ", "[- ]+")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_to_files_and_headings(page: Path) -> None:
    text = FENCES.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text)):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{name(page)}: {link}"
        assert not anchor or anchor in anchors(path), f"{name(page)}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:home|root|work|Users|tmp)/", text)


# ---------------------------------------------------------------------------------------------------------- commands


def commands(text: str) -> Iterator[str]:
    """Command lines of code blocks, and commands in backticks."""
    for block in re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            stripped = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if stripped.startswith(("strokecast ", "make ")):
                yield stripped
    yield from re.findall(r"`((?:strokecast|make) [^`\n]+)`", FENCES.sub("", text))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def check_command(line: str) -> None:
    """Fail if a command, subcommand or option does not exist."""
    for part in re.split(r"&&|;|\|", line.split(" #")[0]):
        words = shlex.split(part)
        if not words:
            continue
        if words[0] == "make":
            targets = [word for word in words[1:] if "=" not in word]
            assert set(targets) <= make_targets(), line
        elif words[0] == "strokecast":
            command: click.Command = main
            for word in words[1:]:
                if isinstance(command, click.Group) and not word.startswith("-"):
                    assert word in command.commands, line
                    command = command.commands[word]
            options = {
                option
                for parameter in command.params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            used = {word.split("=")[0] for word in words[1:] if word.startswith("-") and len(word) > 1}
            assert used <= options | {"--help", "--version"}, line


@pytest.mark.parametrize("page", GUIDE, ids=name)
def test_named_commands_exist(page: Path) -> None:
    for line in commands(page.read_text(encoding="utf-8")):
        check_command(line)


@pytest.mark.parametrize(
    "line", ["strokecast sink", "strokecast preset use tour", "make toast", "strokecast sync --all"]
)
def test_an_unknown_command_is_noticed(line: str) -> None:
    with pytest.raises(AssertionError):
        check_command(line)


def test_readme_names_every_command_and_target() -> None:
    named = set(commands((ROOT / "README.md").read_text(encoding="utf-8")))
    for command in set(main.commands) - {"repro", "ui"}:  # `make repro` and `make ui`
        assert any(line.startswith(f"strokecast {command}") for line in named), command
    assert {"make repro", "make ui", "make docs"} <= {line.split(" #")[0].strip() for line in named}


# -------------------------------------------------------------------------------------------------------------- keys


def has_key(path: list[str]) -> bool:
    """Whether a dotted path is a key of params.yaml; `models.<task>.<name>` with the keys of its config and training."""
    model: Any = params.Params
    for depth, key in enumerate(path):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return depth > 0 and model is dict
        if model is params.Models and depth == 1:
            return key in params.TASKS and _has_entry(key, path[2:])
        if key not in model.model_fields:
            return False
        model = model.model_fields[key].annotation
    return True


def _has_entry(task: str, path: list[str]) -> bool:
    if not path:
        return True
    if path[0] not in registry.names(task):
        return False
    if len(path) < 3:
        return len(path) == 1 or path[1] in params.ModelEntry.model_fields
    keys = {"config": registry.get(task, path[0]).config, "training": params.RECIPES[task]}
    return path[1] in keys and path[2] in keys[path[1]].model_fields and len(path) == 3


@pytest.mark.parametrize("page", GUIDE, ids=name)
def test_named_keys_are_in_the_schema(page: Path) -> None:
    text = FENCES.sub("", page.read_text(encoding="utf-8"))
    for found in re.findall(rf"`((?:{'|'.join(SECTIONS)})(?:\.[a-z_][a-z0-9_]*)+)(?::[^`]*)?`", text):
        path = found.split(".")
        if path[-1] in ("py", "yaml", "json", "md"):
            continue
        assert has_key(path), f"{name(page)}: {found}"


def test_an_unknown_key_is_noticed() -> None:
    assert has_key(["training", "classify", "epochs"])
    assert has_key(["models", "classify", "gru", "config", "units"])
    assert not has_key(["training", "classify", "epoch"])
    assert not has_key(["models", "classify", "gru", "config", "unit"])
    assert not has_key(["models", "classify", "grue"])


def test_dvc_accepts_the_keys_of_exp_run_examples() -> None:
    """`-S key=value` works for keys of params.yaml only; `++` works for all."""
    for page in GUIDE:
        for override in re.findall(r"-S '?([^'\s`]+)'?", page.read_text(encoding="utf-8")):
            key = override.split("=")[0]
            assert has_key(key.lstrip("+").split(".")), f"{name(page)}: {override}"
            assert key.startswith("++"), f"{name(page)}: {override}"


# ------------------------------------------------------------------------------------------------------------- facts


def test_numbers_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = len((ROOT / "params.yaml").read_text(encoding="utf-8").splitlines())
    assert f"`params.yaml` has {lines} lines" in text
    for task in params.TASKS:
        (row,) = re.findall(rf"^\| `{task}` \|.*\| (\d+) \|$", text, re.MULTILINE)
        assert int(row) == len(registry.names(task))
    assert f"trains {sum(len(registry.names(task)) for task in params.TASKS)} sequence models" in text


# ---------------------------------------------------------------------------------------------- pictures and examples


def test_pictures_are_small() -> None:
    for folder in ("pictures", "figures"):
        for path in (ROOT / "docs" / folder).iterdir():
            assert path.stat().st_size < LIMIT, path.name


@pytest.fixture(scope="module")
def outputs(import_script: Callable[[str], ModuleType]) -> ModuleType:
    return import_script("update_outputs")


def test_outputs_of_printing_commands_are_current(
    outputs: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`strokecast params`, `preset list` and `preset show` write nothing, so they run here as well."""
    monkeypatch.chdir(ROOT)
    checked = 0
    for page in outputs.pages():
        for found in outputs.EXAMPLE.finditer(page.read_text(encoding="utf-8")):
            lines, _ = outputs.options(found["options"])
            run = outputs.commands(found["body"]) if found["kind"] == "output" else []
            if len(run) != 1 or not re.match(r"strokecast (params|preset (list|show))\b", run[0]):
                continue
            result = CliRunner().invoke(main, shlex.split(run[0])[1:])
            assert result.exit_code == 0, run[0]
            expected = f"$ {run[0]}\n{outputs.shorten(result.output, lines)}"
            assert found["body"] == expected, f"{name(page)}: run docs/update_outputs.py"
            checked += 1
    assert checked >= 4


def test_presets_of_examples_are_valid(outputs: ModuleType, tmp_path: Path) -> None:
    from strokecast.models.common import resolve
    from strokecast.params.overlay import apply_overlay, read_overlay
    from strokecast.params.reading import read_yaml

    count = 0
    for page in outputs.pages():
        for found in outputs.EXAMPLE.finditer(page.read_text(encoding="utf-8")):
            if found["kind"] == "file" and "presets/" in found["options"]:
                (tmp_path / "overlay.yaml").write_text(found["body"], encoding="utf-8")
                values = apply_overlay(
                    read_yaml(ROOT / "params.yaml"), read_overlay(tmp_path / "overlay.yaml")
                )
                resolve.resolve(params.parse(values))
                count += 1
    assert count >= 3


def test_commands_and_shortening_of_examples(outputs: ModuleType) -> None:
    assert outputs.commands("$ a b\nout\n$ c \\\n  d\nout\n") == ["a b", "c \\\n  d"]
    assert outputs.shorten("\n1  \n2\n3\n", 2) == "1\n2\n...\n"
    assert outputs.shorten("1\n2\n", None) == "1\n2\n"
    assert outputs.options(" lines=3 needs=run") == (3, True)
    assert outputs.options("") == (None, False)
