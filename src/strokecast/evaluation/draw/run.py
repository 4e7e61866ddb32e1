"""Evaluates the models that draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from strokecast.common.paths import RAW
from strokecast.evaluation.common.attribution import read_attribution
from strokecast.evaluation.common.trained_models import TrainedModels
from strokecast.evaluation.draw.gallery import write_gallery
from strokecast.evaluation.draw.judge import load_judge
from strokecast.evaluation.draw.predictions import generate_and_judge
from strokecast.evaluation.draw.report import write_report
from strokecast.features.records.spec import DrawSpec
from strokecast.params import Params


def evaluate(
    report_dir: Path, trained_models: TrainedModels, processed: Path, spec: Mapping[str, Any], params: Params
) -> str:
    """Write `reports/draw/`; returns a summary in one line."""
    draw_spec, settings = cast(DrawSpec, spec), params.evaluation.draw
    judge = load_judge(params.draw.judge, draw_spec["classes"])
    test, real_predicted, results = generate_and_judge(trained_models, processed, draw_spec, settings, judge)
    attribution = read_attribution(RAW, "sketches")
    write_gallery(report_dir / "gallery.json", trained_models, results, judge.name, attribution)
    return write_report(
        report_dir,
        trained_models,
        test,
        real_predicted,
        results,
        draw_spec,
        judge.name,
        settings,
        attribution,
    )
