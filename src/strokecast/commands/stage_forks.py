"""Stage scripts run in forks of a process that has imported TensorFlow, Keras, MLflow and other large libraries already.

About 45 stages of a fresh run import these libraries, which takes 4 to 7 s of processor time each. `strokecast repro` imports them once and
forks instead: a stage then starts in milliseconds. TensorFlow's runtime is not started before the
fork, and the package `strokecast` is imported again in every fork, so a stage runs the same code and gives the same outputs
as in a new process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import random
import runpy
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

PREFIX = "python stages/"
_LIBRARIES = ("mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store", "matplotlib.figure")
_OF_FORECASTS = ("statsforecast.models", "sklearn.ensemble")


def preload(stages: Iterable[str]) -> None:
    """Import the libraries of stages that train or evaluate, without starting TensorFlow's runtime or opening files.

    Args:
        stages: names of the stages to come; those of forecasts need more libraries.
    """
    from strokecast.common import signals
    from strokecast.common.import_hiding import start_tensorflow

    signals.mark_as_stage()
    start_tensorflow()
    with_forecasts = any("-forecast" in name for name in stages)
    for name in (*_LIBRARIES, *(_OF_FORECASTS if with_forecasts else ())):
        importlib.import_module(name)
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    gc.collect()
    gc.freeze()  # otherwise the first collection in every fork copies all memory pages


def runner(run_by_dvc: Callable[..., None]) -> Callable[..., None]:
    """The function that DVC calls to run the command of a stage.

    Args:
        run_by_dvc: DVC's own function (executable, command, **options of `subprocess.Popen`), for commands that are not a
            stage script, and for all of them before `preload`.

    Returns:
        A function with the arguments of `run_by_dvc`.

    Raises:
        dvc.stage.exceptions.StageCmdFailedError: by that function, if the stage fails.
    """

    def run(executable: str | None, command: str, **options: Any) -> None:
        arguments = shlex.split(command)
        if not command.startswith(PREFIX) or "tensorflow" not in sys.modules:
            run_by_dvc(executable, command, **options)
            return
        from dvc.stage.exceptions import StageCmdFailedError

        code = _fork(arguments[1:], Path(options["cwd"]), options["env"])
        if code:
            raise StageCmdFailedError(command, code)

    return run


def _fork(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a script in a fork; returns its exit code, negative for a signal. Ignores SIGINT meanwhile: the fork handles it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _run_script(arguments, folder, environment)
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        signal.signal(signal.SIGINT, previous)
    return os.waitstatus_to_exitcode(status)


def _run_script(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> NoReturn:
    """Run a script in this process as `python <script>` does, then exit."""
    code = 1
    try:
        atexit._clear()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        random.seed()
        for name in [name for name in sys.modules if name == "strokecast" or name.startswith("strokecast.")]:
            del sys.modules[name]
        sys.argv = [*arguments]
        sys.path[0] = str((folder / arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
