"""The environment of this process: set before libraries read it, so that results do not depend on the user's shell."""

from __future__ import annotations

import gc
import logging
import os
import sys
import warnings
from pathlib import Path

# Telemetry and hints of libraries. Values that the user set are kept.
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "1",
}

# Keras and TensorFlow in their default configuration: saved models, figures and run times depend on it.
KERAS = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # no keras.json is read or written
    "TF_CPP_MIN_LOG_LEVEL": "3",  # failures raise exceptions; the lines are about GPUs that are not there
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_USE_LEGACY_KERAS": "0",
}

# Stages and commands run for seconds. With Python's default thresholds, garbage collection takes a fifth of the import time.
GC_THRESHOLDS = (100_000, 50, 100)

closed_streams: set[int] = set()  # standard streams that were closed when this process began
JOBS = "STROKECAST_JOBS"  # set by `strokecast repro`, recorded by each training

# What the user's shell or notebook does not decide.
FIXED = KERAS | {
    "MPLBACKEND": "agg",  # figures are files; a notebook's backend is not installed here
    "MATPLOTLIBRC": os.devnull,  # the style is that of `common.figures`
    "SHELL": "/bin/sh",  # DVC starts stages with it; service accounts have one that starts nothing
}

# `training.jit_compile` chooses the compiler; a training has the epochs of its recipe and one run on the board.
REMOVED = (
    "KERAS_MAX_EPOCHS",
    "KERAS_MAX_STEPS_PER_EPOCH",
    "KERAS_NNX_ENABLED",
    "TF_XLA_FLAGS",
    "MLFLOW_ACTIVE_MODEL_ID",
    "MLFLOW_ENABLE_ASYNC_LOGGING",
    "MLFLOW_ENABLE_WORKSPACES",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_LOCK_MODEL_DEPENDENCIES",
    "MLFLOW_LOG_MODEL_COMPRESSION",
    "MLFLOW_RUN_ID",
    "MLFLOW_TRUNCATE_LONG_VALUES",
    "MLFLOW_WORKSPACE",
)


def quiet() -> None:
    """Switch off the telemetry and the hints of every library. Variables that the user set are kept."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def prepare() -> None:
    """Prepare this process and those that it starts; the first call of every stage and command.

    Opens the null device for each standard stream that is closed, as by `2>&-` or a service manager. Collects garbage
    rarely. Sets `FIXED` and `QUIET` and removes `REMOVED`. `PATH` starts with the folder of this Python, because DVC
    starts the stages as `python ...`. All other variables, such as `CUDA_VISIBLE_DEVICES`, keep their values. Warnings and log
    messages of libraries are not printed, unless the user asked Python for warnings, and never raised. Text that the
    terminal's encoding lacks is escaped.
    """
    _open_closed_streams()
    gc.set_threshold(*GC_THRESHOLDS)
    quiet()
    os.environ.update(FIXED)
    for name in REMOVED:
        os.environ.pop(name, None)
    if not os.environ.get(JOBS, "1").isdecimal():
        del os.environ[JOBS]
    own = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if paths[0] != own:
        os.environ["PATH"] = os.pathsep.join([own, *paths])
    requested = [option for option in sys.warnoptions if not _raises(option)]
    if requested != sys.warnoptions or not requested:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"
    for name in ("matplotlib", "tensorflow"):  # fonts; functions that are traced again for each refit
        logging.getLogger(name).setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _open_closed_streams() -> None:
    """Open the null device in place of closed standard streams.

    Libraries write to them, and the next file that is opened, such as a database, would get their number.
    """
    for number in range(3):  # all of them before a file is opened, which would take the next number
        try:
            os.fstat(number)
        except OSError:
            closed_streams.add(number)
            if (opened := os.open(os.devnull, os.O_RDWR)) != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115


def _raises(option: str) -> bool:
    """Whether an option `action:message:category:module:line` of Python's `-W` turns warnings into exceptions."""
    action = option.split(":")[0].strip()
    return bool(action) and "error".startswith(action)
