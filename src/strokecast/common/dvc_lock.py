"""What dvc.lock names and whether DVC's cache holds it, read without importing DVC's repository code."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from strokecast.common import disks
from strokecast.common.errors import UserError

_LOCK = Path("dvc.lock")
_PIPELINE = Path("dvc.yaml")
_KINDS = ("outs", "metrics", "plots")
_OUTS = re.compile(r"(?m)^    outs:\n((?:    - .*\n|      .*\n)+)")
_OUTPUT = re.compile(r"(?m)^    - path: ([^'\"\n]+)\n      hash: md5\n      md5: (\S+)$")
_FIX = "then run again: finished trainings are kept"


def outputs() -> dict[str, str]:
    """Path → md5 of every output that dvc.lock names; the md5 of a folder ends with `.dir`.

    Empty if there is no valid file. The form in which DVC writes the file is read by a pattern: a YAML parser takes half a
    second for the default pipeline, and this is read in every run.
    """
    try:
        text = _LOCK.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    if found := dict(_OUTPUT.findall("".join(_OUTS.findall(text)))):
        return found
    stages = (_read_yaml(_LOCK).get("stages") or {}).values()
    listed = (output for stage in stages for output in stage.get("outs") or [])
    return {str(output["path"]): str(output["md5"]) for output in listed if output.get("hash") == "md5"}


def cached_file(output: str, name: str) -> Path | None:
    """The cache's copy of one file of an output folder.

    Args:
        output: path of the folder, as in dvc.yaml.
        name: path of the file inside it.

    Returns:
        None if dvc.lock does not name the output, or the cache lacks any file of it.
    """
    md5 = outputs().get(output)
    if md5 is None:
        return None
    cache = cache_dir()
    listing = _listing(cache, md5)
    if name not in listing or _lacks(cache, output, md5, only_existing=False):
        return None
    return object_path(cache, listing[name])


def uncached(folders: Iterable[Path] = (Path(),)) -> list[str]:
    """The outputs in `folders` that dvc.lock names and the workspace holds, but DVC's cache does not.

    DVC reports success after its cache was full. Outputs that the workspace lacks as well were never pulled, and are not
    listed. Neither are those with `cache: false`.
    """
    cache = cache_dir()
    found = [
        path
        for path, md5 in outputs().items()
        if any(Path(path).is_relative_to(folder) for folder in folders)
        and Path(path).exists()
        and _lacks(cache, path, md5, only_existing=True)
    ]
    patterns = _without_cache() if found else []
    return [path for path in found if not any(fnmatch.fnmatch(path, pattern) for pattern in patterns)]


def check_cache(folders: Iterable[Path] = (Path(),)) -> None:
    """Raise if the cache lacks outputs in `folders`, see `uncached`.

    Raises:
        UserError: with the file system of the cache and what is free there.
    """
    if missing := uncached(folders):
        raise not_saved(missing, cache_dir())


def not_saved(paths: Iterable[str], cache: Path) -> UserError:
    """The error for outputs that DVC could not save in its cache."""
    first, *others = sorted(paths)
    lost = "; after a deleted cache or `dvc repro --no-commit`, run `dvc commit`"
    return _cache_error(
        f"does not hold {first}" + (f" and {len(others)} more" if others else ""), cache, lost
    )


def no_room(needed: int, cache: Path) -> UserError:
    """The error for outputs that DVC could not save if the stage ended now: `needed` bytes."""
    return _cache_error(f"needs {disks.human(needed)} for the outputs of this stage", cache)


def _cache_error(problem: str, cache: Path, further_fix: str = "") -> UserError:
    existing = disks.nearest_existing(cache)
    usage, mount = shutil.disk_usage(existing), disks.mount_point(existing)
    if os.access(existing, os.W_OK):
        state = f"its file system {mount} has {disks.human(usage.free)} of {disks.human(usage.total)} free"
        fix = (
            f"free some space there or move the cache to a larger disk (`dvc cache dir FOLDER`){further_fix}"
        )
    else:
        state, fix = (
            "it cannot be written to",
            "make it writable or choose another one (`dvc cache dir FOLDER`)",
        )
    return UserError(f"DVC's cache {cache} {problem}; {state}", fix=f"{fix}, {_FIX}")


def cache_dir() -> Path:
    """Absolute folder of DVC's cache, `.dvc/cache` unless DVC's config names another one."""
    default = Path(".dvc/cache").absolute()
    return Path(str(_cache_config(default.parent).get("dir") or default))


def cache_types() -> list[str]:
    """The kinds of links that DVC's config names for the cache, best first; empty: DVC's default."""
    types = _cache_config(Path(".dvc").absolute()).get("type") or []
    return types.split(",") if isinstance(types, str) else list(types)


def _cache_config(dvc_dir: Path) -> dict[str, Any]:
    """Section `cache` of DVC's config; empty if there is none."""
    if not _config_mentions_cache(dvc_dir):
        return {}
    from dvc.config import Config, ConfigError

    try:
        return dict(Config(str(dvc_dir), validate=False)["cache"])
    except (ConfigError, KeyError):
        return {}


def _config_mentions_cache(dvc_dir: Path) -> bool:
    """Whether a config file of DVC has settings of the cache; importing DVC's own reader takes half a second."""
    from dvc.dirs import global_config_dir, system_config_dir

    folders = (dvc_dir, Path(global_config_dir()), Path(system_config_dir()))
    paths = (folder / name for folder in folders for name in ("config", "config.local"))
    return any(
        "cache" in path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()
    )


def _lacks(cache: Path, path: str, md5: str, *, only_existing: bool) -> bool:
    """Whether the cache lacks an output, or a file of it; `only_existing`: count files that the workspace holds."""
    if not object_path(cache, md5).is_file():
        return True
    objects = os.fspath(object_path(cache, ""))
    return any(  # strings: a `Path` for each of 10,000 files takes longer than looking
        not os.access(f"{objects}/{file_md5[:2]}/{file_md5[2:]}", os.F_OK)
        for name, file_md5 in _listing(cache, md5).items()
        if not only_existing or os.access(f"{path}/{name}", os.F_OK)
    )


def _listing(cache: Path, md5: str) -> dict[str, str]:
    """Relative path → md5 of the files of a cached folder; empty for a single file and for what the cache lacks."""
    if not md5.endswith(".dir"):
        return {}
    try:
        entries = json.loads(object_path(cache, md5).read_bytes())
        return {str(entry["relpath"]): str(entry["md5"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def object_path(cache: Path, md5: str) -> Path:
    """Where DVC's cache keeps the file with this md5."""
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def _without_cache() -> list[str]:
    """Patterns of the outputs that dvc.yaml sets to `cache: false`."""
    stages = _read_yaml(_PIPELINE).get("stages") or {}
    entries = (
        entry
        for stage in stages.values()
        for kind in _KINDS
        for entry in stage.get("do", stage).get(kind) or []
        if isinstance(entry, dict)
    )
    paths = (
        path for entry in entries for path, options in entry.items() if (options or {}).get("cache") is False
    )
    return [re.sub(r"\$\{.*?\}", "*", path) for path in paths]


def _read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that is a mapping; empty if it is missing or not valid, which DVC reports itself."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe").load(path.read_bytes())
    except (OSError, ValueError, YAMLError):
        return {}
    return value if isinstance(value, dict) else {}
