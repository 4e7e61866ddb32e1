"""The champions that this project has promoted, kept beside the board: `sync` brings them to a board that has lost them.

`.strokecast/champions/<task>/` holds `champion.json` (tags of the version) and `version/`, the files of the version as hard links.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from strokecast.common import files, paths
from strokecast.params.base import TASKS
from strokecast.tracking import registry, store
from strokecast.tracking.registry import RegisteredVersion

_RECORD = "champion.json"
_VERSION = "version"
_CARD = "model_card.md"
_OF_ONE_BOARD = ("replaced", "rolled_back", "rollback_reason")  # these name versions that another board lacks


def set_champion(chosen: RegisteredVersion) -> None:
    """Make a version the champion of its task, on the board and in the record.

    Raises:
        BoardError: if the board cannot be written; the record is as before then.
    """
    registry.set_champion(chosen)
    prefix = registry.TAG
    tags = {key.removeprefix(prefix): value for key, value in chosen.tags.items() if key.startswith(prefix)}
    with files.new_folder(_folder(chosen.task)) as staging_dir:
        shutil.copytree(chosen.folder, staging_dir / _VERSION, copy_function=files.link_or_copy)
        kept = {key: value for key, value in tags.items() if key not in _OF_ONE_BOARD}
        files.write_json(staging_dir / _RECORD, {"label": chosen.training, "tags": kept})


def restore(report: Callable[[str], None]) -> None:
    """Register the recorded champions whose registered model the board does not have. An alias that was removed stays removed.

    Args:
        report: receives a line per champion.

    Raises:
        BoardError: if the board cannot be read or written.
    """
    for task in TASKS:
        if _is_lost(task):
            with registry.exclusive(task, report):
                if _is_lost(task):
                    report(_restore(task, files.read_json(_folder(task) / _RECORD)))


def _is_lost(task: str) -> bool:
    return (_folder(task) / _RECORD).is_file() and not store.current().has_model(registry.name(task))


def _restore(task: str, record: dict[str, Any]) -> str:
    tags, version_dir = record["tags"], _folder(task) / _VERSION
    run = store.board_state(tags["training_id"]).get(tags["training_id"])
    run_id = run.run_id if run is not None and run.is_active else None
    card = version_dir / _CARD
    description = card.read_text(encoding="utf-8") if card.is_file() else ""
    registered = registry.register(task, version_dir, {}, run_id, tags, description)
    registry.set_champion(registered)
    return f"{registered.label} of {registry.name(task)}, the champion of {task}, was not on this board; it is there again"


def _folder(task: str) -> Path:
    return paths.board_root() / ".strokecast" / "champions" / task
