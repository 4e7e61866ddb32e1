"""One registry of sources: `sources/<dataset>/<name>.py` is the source `<name>` of `<dataset>`.

A source is a module with

* `fetch(options, folder) -> str`: writes its files and `source.json` into an empty folder and
  returns the one line that the download stage ends with;
* optionally `changed(options, record) -> str | None`: one cheap look at whether its local input
  differs from what `record` (the contents of `source.json`) says was read.

Only the source that is asked for is imported.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.params import DATASETS, Params

RECORD = "source.json"


def names(dataset: str) -> list[str]:
    """The sources of a dataset, by their files, without importing any of them."""
    return sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent / dataset)]))


def get(dataset: str, name: str) -> ModuleType:
    """The module of the source `name` of `dataset`; imports no other source.

    Raises:
        UserError: if there is no such dataset or source; names the choices.
    """
    if dataset not in DATASETS:
        raise UserError(f"unknown dataset {dataset!r}", allowed=", ".join(DATASETS))
    if name not in names(dataset):
        raise UserError(
            f"unknown source {name!r}",
            where=f"params.yaml: {dataset}.source",
            allowed=", ".join(names(dataset)),
        )
    return importlib.import_module(f"strokecast.sources.{dataset}.{name}")


def download(dataset: str, params: Params) -> str:
    """Fetch `dataset` into `data/raw/<dataset>/`, whole or not at all.

    Args:
        dataset: one of `strokecast.params.DATASETS`.
        params: all of `params.yaml`.

    Returns:
        One line on what was fetched.

    Raises:
        UserError: if the source cannot be read; what lay in the folder before stays as it was.
    """
    name, options = _chosen(dataset, params)
    source = get(dataset, name)
    with files.new_folder(paths.RAW / dataset) as folder:
        line = source.fetch(options, folder)
    return str(line)


def stale(dataset: str, params: Params, raw_folder: Path) -> str | None:
    """One line if the local input of `dataset` changed since it was downloaded, else None.

    Cheap enough for a stage that always runs: sizes for a folder of npz files, size and sha256
    for a CSV. An input that is not there (a clone that pulled its data) has not changed; sources
    without a local input never do.
    """
    if dataset not in DATASETS:
        return None
    name, options = _chosen(dataset, params)
    try:
        record = json.loads((raw_folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("source") != name:
        return None
    look = getattr(get(dataset, name), "changed", None)
    found = look(options, record) if look else None
    return (
        None if found is None else f"{found} since it was downloaded; run `dvc repro -f download@{dataset}`"
    )


def _chosen(dataset: str, params: Params) -> tuple[str, Any]:
    if dataset not in DATASETS:
        raise UserError(f"unknown dataset {dataset!r}", allowed=", ".join(DATASETS))
    section = getattr(params, dataset)
    return section.source, getattr(section, section.source)
