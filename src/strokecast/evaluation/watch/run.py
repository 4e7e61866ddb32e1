"""Evaluates the classifiers of videos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from strokecast.evaluation.classify.ensembles import add_ensembles
from strokecast.evaluation.classify.run import write_outputs
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.evaluation.watch.predictions import ORIGINAL, order_metrics, predict_test_split
from strokecast.features.records.spec import WatchSpec
from strokecast.params import Params


def evaluate(
    report_dir: Path, trained_models: TrainedModels, processed: Path, spec: Mapping[str, Any], params: Params
) -> str:
    """Write `reports/watch/`; returns a summary in one line."""
    settings = params.evaluation.watch
    test, by_order = predict_test_split(trained_models, processed, cast(WatchSpec, spec), settings.seed)
    with_ensembles = add_ensembles(report_dir, trained_models, processed, spec, settings.ensembles)
    by_order = {name: with_ensembles.combine(values) for name, values in by_order.items()}
    probabilities = by_order.pop(ORIGINAL)
    return write_outputs(
        report_dir,
        with_ensembles,
        test,
        probabilities,
        spec,
        settings,
        task="watch",
        extra_metrics=order_metrics(by_order, test.labels),
    )
