"""Validation and drift of the data, from `data/validated/<dataset>/report.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strokecast.common.files import read_json
from strokecast.evaluation.board.report.section import Section
from strokecast.evaluation.board.report.templates import render
from strokecast.evaluation.common import tables


def quality_section(validated: Path, dataset: str) -> Section | None:
    """What validation accepted, which rules found something, and which features drift; None without a report."""
    path = validated / dataset / "report.json"
    if not path.is_file():
        return None
    report = read_json(path)
    html = render(
        "quality.html.j2",
        dataset=dataset,
        report=report,
        rejects=report.get("rejects", {}),
        splits=_splits(report),
        rules=len(report["expectations"]),
        findings=[rule for rule in report["expectations"] if not rule["success"]],
        comparisons=[(one["a"], one["b"], _drift_rows(one)) for one in report["drift"]["comparisons"]],
        alpha=f"{report['drift']['alpha']:g}",
    )
    return Section(f"data-{dataset}", f"Validation and drift: {dataset}", html)


def _splits(report: Mapping[str, Any]) -> dict[str, str]:
    """Split → number of drawings; for a series, its days."""
    counts = report["counts"]
    if "days" in counts:
        return {"days": f"{counts['days']:,} ({counts['first']} to {counts['last']})"}
    return {split: f"{sum(by_class.values()):,} drawings" for split, by_class in counts.items()}


def _drift_rows(comparison: Mapping[str, Any]) -> list[list[str]]:
    """Feature, both medians or shares, test, effect size, adjusted p-value, verdict."""
    rows = []
    for feature in comparison["features"]:
        tested = feature["test"] != "none"
        ends = [feature.get(side) for side in ("a", "b")]
        rows.append(
            [
                feature["feature"],
                *(tables.format_number(one) if isinstance(one, float | int) else one or "-" for one in ends),
                {"ks": "Kolmogorov-Smirnov", "chi2": "chi-squared"}.get(feature["test"], "none"),
                f"{feature['effect']:.3f}" if tested else "-",
                f"{feature['p_adjusted']:.2g}" if tested else "-",
                "drifted" if feature["drifted"] else "no drift" if tested else "not tested",
            ]
        )
    return rows
