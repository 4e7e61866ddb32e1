"""Pretrained forecasters in a folder of this machine, and the libraries that read them. Nothing is downloaded.

Shapes: n days of history, H days ahead, Q quantile levels.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strokecast.common.errors import UserError
from strokecast.common.files import InvalidJsonError, read_json

if TYPE_CHECKING:
    from strokecast.models.statistical.base import Floats

CONFIG = "config.json"
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

QuantileFn = Callable[["Floats", int, tuple[float, ...]], "Floats"]
"""(history float64 [n], H, levels) → quantiles float64 [H, Q], rising along the last axis."""


@dataclass(frozen=True)
class Adapter:
    """A library of pretrained forecasters.

    Attributes:
        name: of the family of models.
        module: that the library installs.
        extra: of this package that installs the library.
        matches: whether the contents of a folder's config.json are those of such a model.
        load: reads the model in a folder.
    """

    name: str
    module: str
    extra: str
    matches: Callable[[Mapping[str, Any]], bool]
    load: Callable[[Path], QuantileFn]


def _load_chronos(folder: Path) -> QuantileFn:
    """Chronos, Chronos-Bolt or Chronos-2 through chronos-forecasting, on the CPU.

    Sources: Ansari et al., 2024, https://arxiv.org/abs/2403.07815; 2025, https://arxiv.org/abs/2510.15821.
    """
    os.environ.update(_OFFLINE)
    import warnings

    import numpy as np
    import torch
    from chronos import BaseChronosPipeline
    from transformers.utils import logging

    logging.disable_progress_bar()

    pipeline = BaseChronosPipeline.from_pretrained(str(folder), device_map="cpu", dtype=torch.float32)

    def quantiles(values: Floats, horizon: int, levels: tuple[float, ...]) -> Floats:
        torch.manual_seed(0)  # Chronos draws samples
        series = [torch.tensor(values, dtype=torch.float32)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on horizons beyond those that the model was trained for
            forecast, _ = pipeline.predict_quantiles(
                series, prediction_length=horizon, quantile_levels=list(levels)
            )
        found = np.asarray(forecast[0].detach().numpy(), np.float64).reshape(horizon, len(levels))
        return np.sort(found, axis=-1)

    return quantiles


ADAPTERS: list[Adapter] = [
    Adapter("Chronos", "chronos", "foundation", lambda config: "chronos_config" in config, _load_chronos)
]


def find_adapter(folder: Path, location: str) -> Adapter:
    """The adapter of the model in `folder`.

    Args:
        folder: of the pretrained model.
        location: key path of the folder, for errors.

    Raises:
        UserError: if there is no such folder, its config.json is not that of a known model, or the library is not installed.
    """
    families = ", ".join(adapter.name for adapter in ADAPTERS)
    if not folder.is_dir():
        raise UserError(
            f"no such folder {str(folder)!r}",
            location=location,
            allowed=f"a folder with the {CONFIG} and the weights of a pretrained model ({families})",
            fix="download the model by hand; nothing is downloaded here",
        )
    try:
        config = read_json(folder / CONFIG)
    except FileNotFoundError:
        config = None
    except (InvalidJsonError, OSError) as error:
        raise UserError(f"{folder / CONFIG} cannot be read ({error})", location=location) from None
    adapter = next((one for one in ADAPTERS if isinstance(config, dict) and one.matches(config)), None)
    if adapter is None:
        kind = (
            f"; its {CONFIG} names {json.dumps(_architecture(config))}" if config else f": it has no {CONFIG}"
        )
        raise UserError(
            f"{str(folder)!r} is not a pretrained forecaster that is known here{kind}",
            location=location,
            allowed=f"a model of {families}",
        )
    if importlib.util.find_spec(adapter.module) is None:
        raise UserError(
            f"{adapter.name} needs the package {adapter.module}, which is not installed",
            location=location,
            fix=f"install the extra: pip install 'strokecast[{adapter.extra}]'",
        )
    return adapter


def _architecture(config: Any) -> Any:
    """What a config.json says of its model."""
    if not isinstance(config, dict):
        return "no model"
    return config.get("architectures") or config.get("model_type") or "no model"


def load(folder: Path, location: str) -> QuantileFn:
    """The model in `folder`.

    Raises:
        UserError: as `find_adapter`, or if the library cannot read the model.
    """
    adapter = find_adapter(folder, location)
    try:
        return adapter.load(folder)
    except Exception as error:  # libraries report damaged and foreign files in many ways
        reason = f"{type(error).__name__}: {str(error)[:200]}"
        raise UserError(
            f"{str(folder)!r} cannot be read as a model of {adapter.name} ({reason})",
            location=location,
            fix="download the model again",
        ) from error


def digest(folder: Path) -> str:
    """Hex sha256 of the model's config.json, and of the names and sizes of all files: weights are too large to read.

    "" if the folder has no config.json.
    """
    if not (folder / CONFIG).is_file():
        return ""
    names = sorted(
        (str(path.relative_to(folder)), path.stat().st_size) for path in folder.rglob("*") if path.is_file()
    )
    return hashlib.sha256((folder / CONFIG).read_bytes() + repr(names).encode()).hexdigest()
