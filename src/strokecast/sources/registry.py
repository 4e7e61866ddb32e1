"""The registry of sources: `sources/<dataset>/<name>.py` is the source `<name>` of `<dataset>`.

A source is a module with these functions:

* `fetch(options, folder) -> str` writes its files and `source.json` into an empty folder. It
  returns the line that the download stage prints last.
* `check(options)` raises a `UserError` for what is known to be wrong without fetching: an unknown class, a missing
  folder or file, an address that is not valid. `fetch` finds the same.
* `describe_change(options, source) -> str | None` (optional) compares the source's local input with
  the contents of `source.json`. It returns one line if the input has changed, else None.

Only the requested source is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import DATASETS, Params
from strokecast.sources.formats import source_json


def names(dataset: str) -> list[str]:
    """The names of a dataset's sources, from the file names; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / dataset)]))


def get(dataset: str, name: str) -> ModuleType:
    """Import the source `name` of `dataset`, and no other source.

    Raises:
        UserError: if the dataset or the source does not exist; names the choices.
    """
    if dataset not in DATASETS:
        raise UserError(f"unknown dataset {dataset!r}", allowed=DATASETS)
    if name not in names(dataset):
        raise UserError(
            f"unknown source {name!r}",
            location=f"params.yaml: {dataset}.source",
            allowed=names(dataset),
        )
    return importlib.import_module(f"strokecast.sources.{dataset}.{name}")


def download(dataset: str, params: Params) -> str:
    """Fetch `dataset` into `data/raw/<dataset>/`. If it fails, the folder keeps its old contents.

    Args:
        dataset: one of `strokecast.params.DATASETS`.
        params: all of `params.yaml`.

    Returns:
        One line that describes what was fetched.

    Raises:
        UserError: if the source cannot be read.
    """
    name, options = _selected(dataset, params)
    source = get(dataset, name)
    with files.new_folder(paths.RAW / dataset) as folder:
        line = source.fetch(options, folder)
    return str(line)


def check(dataset: str, params: Params) -> None:
    """Check the options of the source of `dataset` without fetching anything.

    Raises:
        UserError: for an unknown class, a missing local folder or file, or an address that is not valid.
    """
    name, options = _selected(dataset, params)
    checker = getattr(get(dataset, name), "check", None)
    if checker is not None:
        checker(options)


def stale(dataset: str, params: Params, raw_folder: Path) -> str | None:
    """One line if the local input of `dataset` has changed since it was downloaded, else None.

    Cheap enough for a stage that always runs: it compares the sizes of npz files, and the size and
    sha256 of a CSV file. A missing input does not count as changed (a clone pulls the data without
    the input). Sources without a local input never change.
    """
    if dataset not in DATASETS:
        return None
    name, options = _selected(dataset, params)
    try:
        source = files.read_json(raw_folder / source_json.FILE_NAME)
    except (OSError, ValueError):
        return None
    if not isinstance(source, dict) or source.get("source") != name:
        return None
    describe_change = getattr(get(dataset, name), "describe_change", None)
    change = describe_change(options, source) if describe_change else None
    if change is None:
        return None
    return f"{change} since it was downloaded; run `dvc repro -f download@{dataset}`"


def _selected(dataset: str, params: Params) -> tuple[str, Any]:
    if dataset not in DATASETS:
        raise UserError(f"unknown dataset {dataset!r}", allowed=DATASETS)
    section = getattr(params, dataset)
    return section.source, getattr(section, section.source)
