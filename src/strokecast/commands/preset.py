"""`strokecast preset`: merges overlays of `presets/` into `params.yaml` and keeps comments and other edits."""

from __future__ import annotations

from pathlib import Path

from strokecast.commands import params_patch
from strokecast.common import files, output_paths, paths
from strokecast.common.errors import UserError, suggest
from strokecast.params.overlay import apply_overlay, read_overlay
from strokecast.params.yaml_file import read_text, read_yaml

PRESETS = Path("presets")


def names(folder: Path = PRESETS) -> list[str]:
    """The presets of this project, in alphabetical order."""
    return sorted(
        path.stem for path in folder.glob("[!.]*.yaml")
    )  # macOS writes `._<name>` files to foreign disks


def describe(folder: Path = PRESETS) -> str:
    """One line per preset: its name and the first line of its header."""
    width = max((len(name) for name in names(folder)), default=0)
    lines = []
    for name in names(folder):
        first = read_text(folder / f"{name}.yaml").split("\n", 1)[0]
        lines.append(f"{name:<{width}}  {first.lstrip('# ')}")
    return "\n".join(lines)


def text(name: str, folder: Path = PRESETS) -> str:
    """The file of a preset.

    Raises:
        UserError: if there is no such preset, with the existing ones.
    """
    return read_text(_path(name, folder))


def apply(name: str, path: Path = paths.PARAMS, folder: Path = PRESETS, dry_run: bool = False) -> str:
    """Merge a preset into `params.yaml` in place.

    Args:
        name: of the preset.
        path: of params.yaml.
        folder: of the presets.
        dry_run: return the difference and write nothing.

    Returns:
        The difference as a unified diff; empty if there is none.

    Raises:
        UserError: if there is no such preset, or params.yaml is read-only or would not be valid with it. Nothing
            is written then.
    """
    before = read_text(path)
    values = apply_overlay(read_yaml(path), read_overlay(_path(name, folder)))
    patch, after = params_patch.make(path, before, values, f"{path} with {name}")
    if not dry_run and after != before:
        output_paths.check_writable(path)
        files.write_text(path, after)
    return patch


def _path(name: str, folder: Path) -> Path:
    if name not in names(folder):
        raise UserError(
            f"no preset {name!r}",
            location=f"{folder}/",
            allowed=names(folder),
            fix=suggest(name, names(folder)),
        )
    return folder / f"{name}.yaml"
