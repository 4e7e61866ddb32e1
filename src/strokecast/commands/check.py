"""`strokecast check`: all faults of params.yaml that can be known without running a stage."""

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.common.paths import model_dirs
from strokecast.models.common import resolve
from strokecast.params import Params, references
from strokecast.params.stages import stage_values

_GPUS = ("/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # NVIDIA, Windows Subsystem for Linux, AMD


def check(path: Path = paths.PARAMS) -> Params:
    """Check params.yaml with all that it names: architectures, classes, columns, folders, files, addresses, holidays.

    Returns:
        The settings with all defaults filled in.

    Raises:
        UserError: for the first fault.
    """
    settings = resolve.load(path)
    for dataset in params.DATASETS:
        if not _is_downloaded(dataset, settings):
            _check_source(dataset, settings)
    if settings.is_enabled("forecast"):
        _check_holidays(settings)
        _check_embedded_series(settings)
        _check_published(settings)
        _check_pretrained(settings)
    _check_reference(settings)
    _check_machine(settings)
    return settings


def warnings(path: Path = paths.PARAMS) -> list[str]:
    """What a valid params.yaml leaves out, one line each."""
    line = references.holiday_warning(params.load(path))
    return [line] if line else []


def _is_downloaded(dataset: str, settings: Params) -> bool:
    """Whether the raw data of these options exist: a clone has the data, but not the local files that they came from."""
    try:
        stored = files.read_json(paths.SETTINGS / f"download-{dataset}.json")
    except (OSError, ValueError):
        return False
    return (paths.RAW / dataset).is_dir() and stored == stage_values(settings)[f"download-{dataset}"]


def _check_source(dataset: str, settings: Params) -> None:
    from strokecast.sources import registry

    registry.check(dataset, settings)


def _check_holidays(settings: Params) -> None:
    country = settings.features.forecast.holiday_country
    if country is not None:
        from strokecast.features.timeseries import calendar

        calendar.holidays(country, 2020, 2020)


def _check_published(settings: Params) -> None:
    evaluation = settings.evaluation.forecast
    if evaluation.published is not None:
        from strokecast.evaluation.forecast import published

        horizon = settings.features.forecast.horizon
        published.require_settings(evaluation.published, evaluation, settings.series.source, horizon)


def _check_pretrained(settings: Params) -> None:
    """The folder of a pretrained forecaster holds one whose library is installed, unless its row is finished."""
    entry = settings.entries("forecast").get("foundation")
    if entry is None or not entry.enabled or model_dirs("forecast", "foundation"):
        return
    from strokecast.models.statistical import foundation

    foundation.check_folder(str(entry.config["path"]))


def _check_embedded_series(settings: Params) -> None:
    """The days of an embedded series are known, and so is whether each split has a window."""
    if settings.series.source != "births":
        return
    from strokecast.features.timeseries import windows
    from strokecast.sources.series import births

    features, quality = settings.features.forecast, settings.quality.series
    first = datetime.date(int(settings.series.births.years[:4]), 1, 1)
    all_days = [
        first + datetime.timedelta(n) for n in range(len(births.values(settings.series.births.years)))
    ]
    start, end = quality.start or str(all_days[0]), quality.end or str(all_days[-1])
    days = [day for day in all_days if start <= str(day) <= end]
    if not days:
        raise UserError(
            f"no day lies between start ({start}) and end ({end})",
            location="params.yaml: quality.series",
            allowed=f"days from {all_days[0]} to {all_days[-1]}",
        )
    windows.split_by_time(days, features, features.input_size + features.reach)


def _check_reference(settings: Params) -> None:
    if settings.quality.reference is not None:
        from strokecast.validation.profiles import read_reference

        for dataset in params.DATASETS:
            read_reference(settings.quality.reference, dataset)


def _check_machine(settings: Params) -> None:
    """What this machine lacks: a GPU, the other machines of TF_CONFIG, or Apache Beam."""
    from strokecast.training import workers

    if settings.runtime.device == "gpu" and not any(Path(device).exists() for device in _GPUS):
        raise UserError(
            "this machine has no GPU", location="params.yaml: runtime.device", allowed="auto | cpu"
        )
    workers.cluster_of(settings.runtime)
    sketch_tasks = [task for task in params.TASKS if task != "forecast" and settings.is_enabled(task)]
    if (
        settings.preprocess.runner == "beam"
        and sketch_tasks
        and importlib.util.find_spec("apache_beam") is None
    ):
        raise UserError(
            "Apache Beam is not installed",
            location="params.yaml: preprocess.runner",
            allowed="local",
            fix="or install the extra `beam`",
        )
