"""Lays a preset over params.yaml: what the forecasts of one series are made with.

    python benchmarks/preset.py benchmarks/cta.yaml --part year > mine.yaml
    mv mine.yaml params.yaml && strokecast check && dvc repro evaluate@forecast

A preset holds `all` and `parts`; `all` and then the chosen part are laid over params.yaml. `models.forecast` is
replaced, other keys are changed one by one. Nothing is written but to standard output.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_WHOLE = "models.forecast"


def read(path: Path) -> dict[str, Any]:
    """What a YAML file holds."""
    from ruamel.yaml import YAML

    told: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return told


def laid_over(base: Mapping[str, Any], over: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """`base` with the keys of `over` changed; `models.forecast` is replaced as a whole."""
    made = dict(base)
    for key, value in over.items():
        path = f"{at}.{key}" if at else key
        inside = isinstance(value, Mapping) and isinstance(base.get(key), Mapping) and path != _WHOLE
        made[key] = laid_over(base[key], value, path) if inside else value
    return made


def settings(preset: Mapping[str, Any], part: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with `all` of the preset and then one of its parts over it.

    Raises:
        KeyError: if the preset has no such part.
    """
    return laid_over(laid_over(params, preset["all"]), preset["parts"][part])


def main() -> None:
    """Print the params.yaml."""
    from ruamel.yaml import YAML

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("preset", type=Path)
    arguments.add_argument("--part", help="of the preset; its first if not told")
    arguments.add_argument("--params", type=Path, default=ROOT / "params.yaml")
    told = arguments.parse_args()
    preset = read(told.preset)
    part = told.part or next(iter(preset["parts"]))
    if part not in preset["parts"]:
        arguments.error(f"{told.preset.name} has no part {part!r}; allowed: {', '.join(preset['parts'])}")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(settings(preset, part, read(told.params)), sys.stdout)


if __name__ == "__main__":
    main()
