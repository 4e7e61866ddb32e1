"""A temporary project: `params.yaml` and the stage scripts of this checkout run in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def read_params() -> dict[str, Any]:
    """The contents of the checkout's params.yaml."""
    from strokecast.params.yaml_file import read_yaml

    return read_yaml(ROOT / "params.yaml")


def preset_params(name: str) -> dict[str, Any]:
    """The contents of the checkout's params.yaml with a preset applied.

    Args:
        name: a file of `presets/` without its suffix.

    Raises:
        UserError: if there is no such file or it is not valid.
    """
    from strokecast.params.overlay import apply_overlay, read_overlay

    return apply_overlay(read_params(), read_overlay(ROOT / "presets" / f"{name}.yaml"))


def to_yaml(values: Mapping[str, Any]) -> str:
    """`values` as YAML in block style."""
    from ruamel.yaml import YAML

    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style = False
    yaml.dump(dict(values), text)
    return text.getvalue()


def write_params(folder: Path, values: Mapping[str, Any]) -> None:
    """Write params.yaml to `folder` and the settings of each stage below `data/params/`.

    Raises:
        SystemExit: with the message of the stage `params` if the values are not valid.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(to_yaml(values), encoding="utf-8")
    run_stage(folder, "params")


def run_stage(folder: Path, stage: str, *arguments: str) -> None:
    """Run `stages/<stage>.py` in `folder` as `dvc repro` would.

    Raises:
        SystemExit: with the stage's message if it fails.
    """
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "DVC_ROOT"}
    completed = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if completed.returncode:
        raise SystemExit(completed.stderr)
