"""Plans and runs stages through DVC's Python code, without its command line.

DVC's command line starts a Python process and parses dvc.yaml and dvc.lock per call, 2 to 3 s of processor time each; a
fresh run has about 60 stages, and a run without changes must end within 4 s. Its public API (`dvc.api`) reads data
and cannot run stages. So DVC is imported and the pipeline parsed once, and a process is forked for each stage, through the
internals below; `tests/unit/commands/test_dvc_api.py` fails if DVC changes one of them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strokecast.commands import dvc_checks, dvc_locks
from strokecast.common import disks, dvc_lock, files, permissions
from strokecast.common.errors import UserError
from strokecast.params import yaml_file

_TMP_DIR = Path(".dvc/tmp")

Runner = Callable[[Callable[..., None]], Callable[..., None]]


@dataclass(frozen=True)
class Plan:
    """The stages that DVC would run.

    Attributes:
        needs: stage → the stages whose outputs it depends on; in DVC's order.
        stale: stages that are out of date, or depend on one that is.
        always: stages that always run and are not stale.
        reproduce: runs one stage in this process or in a fork of it, as `dvc --wait-for-lock repro --single-item` does; the
            runner makes of DVC's function that runs the command of a stage the one that is used.
    """

    needs: Mapping[str, frozenset[str]]
    stale: frozenset[str]
    always: Sequence[str]
    reproduce: Callable[[Runner, str], None]


def plan(report: Callable[[str], None]) -> Plan:
    """Check every stage once. If none is stale, run those that always run, without changing dvc.lock.

    Args:
        report: called with a line if nothing is out of date.

    Raises:
        UserError: if dvc.yaml is not valid, or another DVC process has locked the project.
    """
    from dvc.repo import Repo
    from dvc.repo.reproduce import get_active_graph, plan_repro

    dvc_locks.sign()
    with one_line_errors():
        repo = Repo()  # stays open for forked processes
    with one_line_errors(), repo.lock:
        dvc_locks.remove_dead_entries(_TMP_DIR)
        graph = get_active_graph(repo.index.graph)
        stages = {stage.addressing: stage for stage in plan_repro(graph)}
        needs = {
            name: frozenset(other.addressing for other in graph.successors(stage))
            for name, stage in stages.items()
        }
        stale: set[str] = set()
        always: list[str] = []
        with dvc_checks.each_folder_once(repo, stages.values()):
            for name, stage in stages.items():
                # `always_changed` alone does not make a stage stale.
                changed = any(stage.changed_entries()) if stage.always_changed else stage.changed()
                if changed and _save_again(stage):
                    changed = stage.changed()
                if changed or needs[name] & stale:
                    stale.add(name)
                elif stage.always_changed:
                    always.append(name)
        if not stale:
            report("Data and pipelines are up to date.")
            for name in always:
                stages[name].run()
    return Plan(needs, frozenset(stale), always, lambda runner, name: _reproduce(repo, stages[name], runner))


def _save_again(stage: Any) -> bool:
    """Save what the workspace holds as dvc.lock names it, but the cache lacks: it was deleted, or `--no-commit` left it out.

    DVC would delete these outputs and run the stage again.

    Returns:
        Whether anything was saved; False if the stage is out of date for another reason.
    """
    if stage.changed(allow_missing=True):
        return False
    lost = [out for out in stage.outs if out.use_cache and out.changed_cache() and not out.workspace_status()]
    for out in lost:
        out.commit()
    return bool(lost)


def _reproduce(repo: Any, stage: Any, runner: Runner) -> None:
    """Run one stage and record it in dvc.lock; the process must end afterwards.

    Raises:
        UserError: if the stage failed, or DVC could not save its outputs: DVC itself logs a full cache and goes on.
    """
    from dvc import dvcfile
    from dvc.stage import run

    logging.getLogger("dvc").setLevel(logging.INFO)
    logging.getLogger("dvc_data").setLevel(logging.CRITICAL)  # one line per file that cannot be saved
    dvc_locks.sign(stage.addressing)
    dvcfile.modify_yaml = modify_lock
    run._run = runner(run._run)
    repo.lock = waiting_lock(repo)
    with one_line_errors(), repo.lock, repo.scm_context(quiet=True):
        if stage.reproduce() is not None:
            if missing := [str(out) for out in stage.outs if out.use_cache and out.changed_cache()]:
                raise dvc_lock.not_saved(missing, dvc_lock.cache_dir())
            stage.dump(update_pipeline=False)


def waiting_lock(repo: Any) -> Any:
    """The project's lock as DVC's `--wait-for-lock` makes it, of the kind that its configuration sets."""
    from dvc.lock import make_lock

    return make_lock(
        f"{repo.tmp_dir}/lock",
        tmp_dir=repo.tmp_dir,
        friendly=True,
        hardlink_lock=bool(repo.config["core"].get("hardlink_lock", False)),
        wait=True,
    )


@contextlib.contextmanager
def modify_lock(path: str, fs: Any = None) -> Iterator[dict[str, Any]]:
    """`dvc.utils.serialize.modify_yaml` for dvc.lock: rewrites only the text of stages that changed.

    DVC parses and writes the complete file in pure Python once per stage, which takes 2 s for 7,000 lines. The resulting
    text is the same.

    Args:
        path: of dvc.lock.
        fs: DVC's file system; only the local one is used.

    Yields:
        The contents of the file, to be changed in place.
    """
    from dvc.utils.serialize import dumps_yaml, loads_yaml

    lock_path = Path(path)
    text = lock_path.read_text(encoding="utf-8") if lock_path.exists() else ""
    data: dict[str, Any] = loads_yaml(text) or {}
    before = dict(data.get("stages") or {})
    yield data
    head, separator, body = text.partition("\nstages:\n") if text else ("schema: '2.0'", "\n", "")
    blocks = dict(zip(before, re.split(r"(?m)^(?=  \S)", body)[1:], strict=False))
    if not separator or len(blocks) < len(before):
        files.write_text(lock_path, dumps_yaml(data))
        return
    rendered = []
    for name, stage in data["stages"].items():
        unchanged = stage == before.get(name)
        rendered.append(
            blocks[name] if unchanged else dumps_yaml({"stages": {name: stage}}).partition("\n")[2]
        )
    spliced = head + "\nstages:\n" + "".join(rendered)
    files.write_text(lock_path, spliced if loads_yaml(spliced) == data else dumps_yaml(data))


def works_without_git(root: Path) -> bool:
    """Whether the project's configuration has `core.no_scm`, with which DVC needs no git repository.

    Raises:
        UserError: if the configuration cannot be read.
    """
    from dvc.config import Config

    with one_line_errors():
        return bool(Config(str(root / ".dvc"))["core"].get("no_scm", False))


def _raise_if_merge_conflict() -> None:
    for name, further in (("dvc.lock", "`dvc checkout` "), ("dvc.yaml", "")):
        with contextlib.suppress(OSError, ValueError):
            fix = (
                f"run `git checkout --ours {name}` (or `--theirs`), {further}and run again: only what differs from that side "
                "runs"
            )
            if conflict := yaml_file.merge_conflict(Path(name).read_text(encoding="utf-8"), Path(name), fix):
                raise conflict from None


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an error of DVC into a `UserError` with the messages of its causes, as DVC's command line prints them.

    A lock that cannot be had becomes a line that says who holds it; a full or read-only disk one that names the disk.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    try:
        yield
    except UserError:
        raise
    except LockError:
        raise dvc_locks.busy(_TMP_DIR) from None
    except DvcException as error:
        _raise_if_merge_conflict()
        causes, cause = [], error
        while cause is not None:
            causes.append(str(cause))
            cause = cause.__cause__
        raise UserError(": ".join(causes)) from None
    except Exception as error:
        if disks.is_full(error):
            raise UserError(
                f"DVC cannot save its data: {disks.describe_full(error, dvc_lock.cache_dir())}",
                fix="then run again: finished trainings are kept",
            ) from None
        if not isinstance(error, OSError) or error.errno not in permissions.REFUSALS:
            raise
        raise UserError(
            f"DVC cannot write here: {os.strerror(error.errno).lower()}",
            location=str(error.filename2 or error.filename),
            fix="make it writable and run again: finished trainings are kept",
        ) from None
