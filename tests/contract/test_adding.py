"""The recipe of CONTRIBUTING.md for a new architecture works: its three code blocks, applied to a copy of the tree."""

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
COPIED = ("src", "tests", "docs", "stages", "benchmarks")


def blocks() -> list[str]:
    """The code blocks of the section on architectures, in order, without the indentation of the list."""
    section = RECIPE.split("## Add an architecture: three places")[1].split("\n## ")[0]
    matches = re.findall(r"^   ```(?:python|yaml)\n(.*?)^   ```$", section, re.MULTILINE | re.DOTALL)
    return ["".join(line[3:] or "\n" for line in block.splitlines(keepends=True)) for block in matches]


def insert(path: Path, after: str, text: str) -> None:
    start, separator, rest = path.read_text(encoding="utf-8").partition(after)
    assert separator, f"{path.name} has no {after!r}"
    path.write_text(start + separator + text + rest, encoding="utf-8")


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix in (".py", ".yaml", ".md"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment = inherited | {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def run_pytest(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout without ignored files and outputs."""
    root = tmp_path_factory.mktemp("adding")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", "pyproject.toml", "dvc.yaml"):
        shutil.copy2(ROOT / name, root / name)
    for name in (".git", ".dvc"):
        (root / name).mkdir()
    return root


@pytest.fixture(scope="module")
def before(copied: Path) -> dict[str, bytes]:
    return contents(copied)


@pytest.fixture(scope="module")
def without_line(copied: Path, before: dict[str, bytes]) -> Path:
    """The copy after the first two steps."""
    file, entry, _ = blocks()
    (copied / FILE).write_text(file, encoding="utf-8")
    insert(copied / PARAMS, "# pen strokes to class\n", entry)
    return copied


@pytest.fixture(scope="module")
def added(without_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another copy after all three steps."""
    root = tmp_path_factory.mktemp("added") / "strokecast"
    shutil.copytree(without_line, root)
    insert(root / CONTRACT, "\nTABLE = [\n", blocks()[2])
    return root


@pytest.mark.slow  # starts processes
def test_check_accepts_the_new_entry_and_names_a_bad_key(without_line: Path) -> None:
    process = run(without_line, "-m", "strokecast.commands.cli", "check")
    assert (process.returncode, process.stderr) == (0, "")
    text = (without_line / PARAMS).read_text(encoding="utf-8")
    (without_line / PARAMS).write_text(
        text.replace("point_bag: {enabled: true}", "point_bag: {enabled: true, config: {unit: 32}}", 1),
        encoding="utf-8",
    )
    process = run(without_line, "-m", "strokecast.commands.cli", "check")
    (without_line / PARAMS).write_text(text, encoding="utf-8")
    assert process.returncode == 1
    assert "models.classify.point_bag.config.unit: unknown key" in process.stderr


@pytest.mark.slow  # starts a process
def test_without_its_line_the_contract_fails_and_names_it(without_line: Path) -> None:
    process = run_pytest(without_line, CONTRACT, "-k", "has_its_line and classify")
    assert process.returncode == 1
    assert "test_every_registered_architecture_has_its_line[classify]" in process.stdout
    assert "point_bag" in process.stdout
    assert "1 failed" in process.stdout


def test_only_the_three_files_change(added: Path, before: dict[str, bytes]) -> None:
    after = contents(added)
    assert {name for name, data in after.items() if before.get(name) != data} == {FILE, PARAMS, CONTRACT}
    assert set(before) <= set(after)
    assert not [
        name for name in before if b"point_bag" in before[name] and name != FILE and "test_adding" not in name
    ]


@pytest.mark.slow  # starts processes
def test_with_its_line_the_contract_passes(added: Path) -> None:
    tests = (CONTRACT, "tests/unit/params/test_params.py", "tests/unit/models/test_config_keys.py")
    process = run_pytest(added, *tests, "-k", "point_bag or (has_its_line and classify) or own_file", "-vv")
    assert process.returncode == 0, process.stdout
    for name in (
        "test_exact_parameter_count",
        "test_padding_does_not_change_the_output",
        "test_saves_and_loads",
    ):
        assert re.search(rf"{name}\[[^\]]*point_bag", process.stdout), name
    wrong = (added / CONTRACT).read_text(encoding="utf-8").replace("default=1164", "default=1165")
    (added / CONTRACT).write_text(wrong, encoding="utf-8")
    process = run_pytest(added, CONTRACT, "-k", "exact_parameter_count and point_bag")
    assert process.returncode == 1
    assert "1 failed" in process.stdout
