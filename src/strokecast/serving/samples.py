"""Real raw inputs of the validation and training splits, for the check of an exported file. No test data is read.

Shapes: N examples, T points, K classes, H days of the horizon, D targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import reading
from strokecast.features.timeseries import series_spec
from strokecast.features.timeseries.origins import rolling, subsample_evenly
from strokecast.features.timeseries.window_transformer import DAY_TYPE, WindowTransformer
from strokecast.inference import backtest, networks
from strokecast.models.common import probabilities

MAX_EXAMPLES = 1000
_BATCH = 64


@dataclass(frozen=True)
class Samples:
    """Raw inputs with what Keras and the data say about them.

    Attributes:
        batches: raw inputs of a raw graph, a few examples of one length each.
        reference: output of `strokecast predict` or `strokecast forecast` (without online correction) for each batch.
        actual: labels int64 [N], or actual values float64 [N, H, D].
    """

    batches: list[dict[str, NDArray[Any]]]
    reference: NDArray[np.float64]
    actual: NDArray[Any]

    def score(self, outputs: NDArray[np.floating]) -> float:
        """Accuracy of probabilities [N, K], or the mean absolute error of forecasts [N, H, D] of the first target."""
        if self.actual.ndim == 1:
            return float(np.mean(outputs.argmax(axis=1) == self.actual))
        return float(np.mean(np.abs(outputs[:, :, 0] - self.actual[:, :, 0])))

    def examples(self) -> list[dict[str, NDArray[Any]]]:
        """The inputs of single examples."""
        return [
            {name: values[row : row + 1] for name, values in batch.items()}
            for batch in self.batches
            for row in range(len(next(iter(batch.values()))))
        ]


def load(network: Any, spec: Any, processed: Path, split: str, max_examples: int = MAX_EXAMPLES) -> Samples:
    """Examples of a split, evenly spaced.

    Args:
        network: the trained `keras.Model`.
        spec: of its data.
        processed: folder of the processed data of the task.
        split: "train" or "valid".
        max_examples: per series for a forecaster.
    """
    if spec["task"] == "forecast":
        return _forecast(network, spec, processed, split, max_examples)
    return _drawings(network, spec, processed, split, max_examples)


def _drawings(network: Any, spec: Any, processed: Path, split: str, max_examples: int) -> Samples:
    run = networks.inference_function(network)
    names = list(networks.input_signature(network))
    convert = _raw_points if spec["task"] == "classify" else _raw_video
    read = sorted({"frames" if name == "motion" else name for name in names} | set(names))
    total = sum(group.count for group in reading.groups(processed, spec, split, read))
    kept = np.isin(
        np.arange(total), np.linspace(0, total - 1, min(total, max_examples)).round().astype(np.int64)
    )
    batches, outputs, labels, start = [], [], [], 0
    for parsed, label, _ in reading.batches(processed, spec, split, _BATCH, read):
        rows = kept[start : start + len(label)]
        start += len(label)
        if not rows.any():
            continue
        inputs = {name: np.asarray(values)[rows] for name, values in parsed.items()}
        outputs.append(probabilities.softmax(np.asarray(run({name: inputs[name] for name in names}))))
        batches.append(convert(inputs, spec))
        labels.append(label.numpy()[rows])
    return Samples(batches, np.concatenate(outputs), np.concatenate(labels))


def _raw_points(inputs: dict[str, NDArray[Any]], spec: Any) -> dict[str, NDArray[Any]]:
    """Strokes in the units of the source, as before preprocessing."""
    strokes = inputs["strokes"].copy()
    strokes[:, :, :2] *= np.float32(spec["scale"])
    raw = {"strokes": strokes, "length": inputs["length"].astype(np.int32)}
    if "time" in inputs:
        raw["times"] = np.cumsum(1000.0 * np.expm1(inputs["time"].astype(np.float64)), axis=1).astype(
            np.float32
        )
    return raw


def _raw_video(inputs: dict[str, NDArray[Any]], spec: Any) -> dict[str, NDArray[Any]]:
    return {name: inputs[name] for name in ("frames", "track") if name in inputs}


def _forecast(network: Any, spec: Any, processed: Path, split: str, max_examples: int) -> Samples:
    forecast = backtest.network_forecaster(network, spec)
    batches, outputs, actual = [], [], []
    for number, name in enumerate(series_spec.names(spec)):
        one_spec = series_spec.for_series(spec, name)
        series = backtest.load_series(processed, ("train", "valid"), name)
        transformer = WindowTransformer(one_spec)
        starts = {"train": 0, "valid": series.starts["valid"]}
        stop = series.starts["valid"] if split == "train" else len(series.days)
        origins = rolling(starts[split], stop, transformer.min_history, transformer.horizon)
        origins = subsample_evenly(origins, max_examples)
        outputs.append(forecast(series, origins).point)
        actual.append(backtest.actuals(series, one_spec, origins))
        batches += list(_raw_days(spec, transformer, series, origins, number))
    return Samples(batches, np.concatenate(outputs), np.concatenate(actual))


def _raw_days(
    spec: Any,
    transformer: WindowTransformer,
    series: backtest.Series,
    origins: NDArray[np.int64],
    number: int,
) -> Iterator[dict[str, NDArray[Any]]]:
    """The raw inputs at `origins` of series `number`."""
    values = np.stack([series.columns[name] for name in transformer.past_columns], axis=1).astype(np.float32)
    first_day = int(series.days[0].astype("datetime64[D]").astype(np.int64))
    for start in range(0, len(origins), _BATCH):
        batch = origins[start : start + _BATCH]
        history = batch[:, None] + np.arange(-transformer.min_history, 0)
        raw: dict[str, NDArray[Any]] = {
            "values": values[history],
            "origin": (first_day + batch).astype(np.int32),
        }
        if DAY_TYPE in transformer.calendar.kinds:
            types = [transformer.calendar.day_types.index(one) for one in series.columns[DAY_TYPE]]
            days = batch[:, None] + np.arange(-transformer.min_history, transformer.horizon)
            raw[DAY_TYPE] = np.array(types, np.int32)[days]
        if "series" in spec:
            raw["series"] = np.full(len(batch), number, np.int32)
        yield raw
