"""Checks of many stages at a time: DVC reads a folder again for every stage that has it or a part of it, and notes locks per stage.

A training's folder belongs to its stage and lies in the folder of its task, which the evaluation depends on. Reading each file once
halves the time that DVC takes to find out that nothing is out of date.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import PurePath
from typing import Any

_LAST = "\U0010ffff"  # sorts after every name of a file


@contextmanager
def each_folder_once(repo: Any, stages: Iterable[Any]) -> Iterator[None]:
    """Let DVC check `stages` inside the block. Their files must not change meanwhile.

    Args:
        repo: DVC's repository, locked.
        stages: DVC's stages; their dependencies and outputs are noted as read, all at once.

    Raises:
        dvc.lock.LockError: if another process writes one of them.
    """
    from dvc import rwlock
    from dvc.dependency.db import AbstractDependency
    from dvc.dependency.repo import RepoDependency
    from dvc.output import Output

    items = [item for stage in stages for item in (*stage.deps, *stage.outs)]
    own = [item for item in items if not isinstance(item, (AbstractDependency, RepoDependency))]
    hashes = _Hashes(item.fs_path for item in own if item.fs.protocol == "local")
    lock, get_hash = rwlock.rwlock, Output.get_hash

    def known_hash(item: Any) -> Any:
        return hashes.of(item) if item.fs.protocol == "local" else get_hash(item)

    paths = [item.fs_path for item in own]
    hard_links = repo.config["core"].get("hardlink_lock", False)
    with lock(repo.tmp_dir, repo.fs, " ".join(sys.argv), paths, [], hard_links):
        rwlock.rwlock = lambda *_: nullcontext()  # for each stage: its files are noted already
        Output.get_hash = known_hash
        try:
            yield
        finally:
            rwlock.rwlock, Output.get_hash = lock, get_hash


class _Hashes:
    """Hashes of files and folders, as DVC's `Output.get_hash` returns them.

    Args:
        paths: all that will be asked for.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = set(paths)
        self._read: dict[tuple[str, str], tuple[Any, list[tuple[str, ...]]]] = {}

    def of(self, item: Any) -> Any:
        """The hash of a dependency or output."""
        from dvc_data.hashfile.tree import Tree

        path = PurePath(item.fs_path)
        outermost = next((folder for folder in reversed(path.parents) if str(folder) in self._paths), path)
        found, names = self._build(item, str(outermost))
        inner = path.relative_to(outermost).parts
        if not inner:
            return found.hash_info
        part = Tree()
        for name in names[bisect_left(names, inner) : bisect_left(names, (*inner, _LAST))]:
            if len(name) > len(inner):
                part.add(name[len(inner) :], *found.get(name))
        if not len(part):  # a file, an empty folder, or behind a link
            return self._build(item, item.fs_path)[0].hash_info
        part.digest()
        return part.hash_info

    def _build(self, item: Any, path: str) -> tuple[Any, list[tuple[str, ...]]]:
        """DVC's object for a file or folder, and the names in it, sorted. Saves nothing."""
        key = path, item.hash_name
        if key not in self._read:
            store = item.cache if item.use_cache else item.local_cache
            options = {"ignore": item.dvcignore, "dry_run": True}
            found = item._build(store, path, item.fs, item.hash_name, **options)[2]
            self._read[key] = found, sorted(found.as_dict()) if hasattr(found, "as_dict") else []
        return self._read[key]
