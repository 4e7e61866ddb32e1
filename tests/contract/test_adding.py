"""A new architecture by the recipe of CONTRIBUTING.md: its three blocks, put into a copy of this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILE = "src/strokecast/models/classify/point_bag.py"
PARAMS = "params.yaml"
CONTRACT = "tests/contract/test_architectures.py"
KEPT = ("src", "tests", "docs", "stages", "benchmarks")


def blocks() -> list[str]:
    """The code blocks of the section on architectures, in their order, without the list's indentation."""
    section = RECIPE.split("## Add an architecture: three places")[1].split("\n## ")[0]
    found = re.findall(r"^   ```(?:python|yaml)\n(.*?)^   ```$", section, re.MULTILINE | re.DOTALL)
    return ["".join(line[3:] or "\n" for line in block.splitlines(keepends=True)) for block in found]


def insert(path: Path, after: str, text: str) -> None:
    before, found, rest = path.read_text(encoding="utf-8").partition(after)
    assert found, f"{path.name} has no {after!r}"
    path.write_text(before + found + text + rest, encoding="utf-8")


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix in (".py", ".yaml", ".md"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment = kept | {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def contract(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout without what git ignores and without its outputs."""
    root = tmp_path_factory.mktemp("adding")
    for name in KEPT:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "pyproject.toml", "dvc.yaml"):
        shutil.copy2(ROOT / name, root / name)
    return root


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, bytes]:
    return contents(copied)


@pytest.fixture(scope="module")
def without_line(copied: Path, before: dict[str, bytes]) -> Path:
    """The copy with the first two places done."""
    file, entry, _ = blocks()
    (copied / FILE).write_text(file, encoding="utf-8")
    insert(copied / PARAMS, "\nmodels:\n  classify:\n", entry)
    return copied


@pytest.fixture(scope="module")
def added(without_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another copy, with all three places done."""
    root = tmp_path_factory.mktemp("added") / "strokecast"
    shutil.copytree(without_line, root)
    insert(root / CONTRACT, "\nTABLE = [\n", blocks()[2])
    return root


def test_check_accepts_the_new_entry_and_names_a_bad_key(without_line: Path) -> None:
    done = run(without_line, "-m", "strokecast.commands.cli", "check")
    assert (done.returncode, done.stderr) == (0, "")
    text = (without_line / PARAMS).read_text(encoding="utf-8")
    (without_line / PARAMS).write_text(text.replace("{units: 32}", "{unit: 32}", 1), encoding="utf-8")
    done = run(without_line, "-m", "strokecast.commands.cli", "check")
    (without_line / PARAMS).write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "models.classify.point_bag.config.unit: unknown key" in done.stderr


def test_without_its_line_the_contract_fails_and_names_it(without_line: Path) -> None:
    done = contract(without_line, CONTRACT, "-k", "has_its_line and classify")
    assert done.returncode == 1
    assert "test_every_registered_architecture_has_its_line[classify]" in done.stdout
    assert "point_bag" in done.stdout
    assert "1 failed" in done.stdout


def test_three_places_and_no_other(added: Path, before: dict[str, bytes]) -> None:
    after = contents(added)
    assert {name for name, data in after.items() if before.get(name) != data} == {FILE, PARAMS, CONTRACT}
    assert set(before) <= set(after)
    assert not [
        name for name in before if b"point_bag" in before[name] and name != FILE and "test_adding" not in name
    ]


@pytest.mark.slow  # the contract builds every network there is, in the copy
def test_with_its_line_the_contract_passes(added: Path) -> None:
    tests = (CONTRACT, "tests/unit/test_params.py", "tests/unit/models/test_config_keys.py")
    done = contract(added, *tests, "-k", "point_bag or (has_its_line and classify) or own_file", "-vv")
    assert done.returncode == 0, done.stdout
    for name in ("test_exact_parameter_count", "test_more_padding_changes_nothing", "test_saves_and_loads"):
        assert re.search(rf"{name}\[[^\]]*point_bag", done.stdout), name
    wrong = (added / CONTRACT).read_text(encoding="utf-8").replace("default=1164", "default=1165")
    (added / CONTRACT).write_text(wrong, encoding="utf-8")
    done = contract(added, CONTRACT, "-k", "exact_parameter_count and point_bag")
    assert done.returncode == 1
    assert "1 failed" in done.stdout
