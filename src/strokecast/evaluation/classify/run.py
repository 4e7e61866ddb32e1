"""Evaluates the classifiers of drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from strokecast.common.paths import RAW, VALIDATED
from strokecast.evaluation.classify.ensembles import WithEnsembles, add_ensembles
from strokecast.evaluation.classify.gallery import write_gallery
from strokecast.evaluation.classify.predictions import predict_test_split
from strokecast.evaluation.classify.report import Floats, write_report
from strokecast.evaluation.classify.sketches import SketchAttention, SketchSplit
from strokecast.evaluation.common.attribution import read_attribution
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.features.records.spec import ClassifySpec
from strokecast.params import ClassifyEvaluation, Params


def evaluate(
    report_dir: Path, trained_models: TrainedModels, processed: Path, spec: Mapping[str, Any], params: Params
) -> str:
    """Write `reports/classify/`; returns a summary in one line."""
    test, probabilities, attention = predict_test_split(trained_models, processed, cast(ClassifySpec, spec))
    settings = params.evaluation.classify
    with_ensembles = add_ensembles(report_dir, trained_models, processed, spec, settings.ensembles)
    probabilities = with_ensembles.combine(probabilities)
    return write_outputs(report_dir, with_ensembles, test, probabilities, spec, settings, attention=attention)


def write_outputs(
    report_dir: Path,
    with_ensembles: WithEnsembles,
    test: SketchSplit,
    probabilities: Mapping[Key, Floats],
    spec: Mapping[str, Any],
    settings: ClassifyEvaluation,
    task: str = "classify",
    attention: Mapping[Key, Sequence[SketchAttention]] = MappingProxyType({}),
    extra_metrics: Mapping[Key, Mapping[str, float]] = MappingProxyType({}),
) -> str:
    """Write gallery and report of a task with classes; returns a summary in one line.

    Args:
        report_dir: a folder with the stored ensembles alone.
        with_ensembles: the trained models of the task and their ensembles.
        test: the N test sketches.
        probabilities: (name, seed) → float64 [N, K].
        spec: content of `spec.json` of the task, with K classes.
        settings: `evaluation.<task>` of `params.yaml`.
        task: `classify` or `watch`.
        attention: (name, seed) → sketches with attention weights, for networks that pool by attention.
        extra_metrics: (name, seed) → metrics that only this task has.
    """
    trained_models = with_ensembles.trained_models
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
        settings,
        attention,
        task,
        extra_metrics,
        attribution,
        with_ensembles.facts,
    )
