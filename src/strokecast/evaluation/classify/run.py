"""Evaluates the classifiers of drawings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from strokecast.common.paths import RAW, VALIDATED
from strokecast.evaluation.classify.gallery import write_gallery
from strokecast.evaluation.classify.predictions import predict_test_split
from strokecast.evaluation.classify.report import write_report
from strokecast.evaluation.common.attribution import read_attribution
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.features.records.spec import ClassifySpec
from strokecast.params import Params


def evaluate(
    report_dir: Path, trained_models: TrainedModels, processed: Path, spec: Mapping[str, Any], params: Params
) -> str:
    """Write `reports/classify/`; returns a summary in one line."""
    test, probabilities, attention = predict_test_split(trained_models, processed, cast(ClassifySpec, spec))
    attribution = read_attribution(RAW, "sketches")
    write_gallery(
        report_dir / "gallery.json",
        trained_models,
        test,
        probabilities,
        spec["classes"],
        VALIDATED / "sketches" / "test.parquet",
        attention,
        attribution,
    )
    return write_report(
        report_dir,
        trained_models,
        test,
        probabilities,
        spec["classes"],
        spec["source"],
        params.evaluation.classify,
        attention,
        attribution=attribution,
    )
