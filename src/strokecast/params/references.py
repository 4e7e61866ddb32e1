"""Checks between the sections of `params.yaml`: names, columns, dates and data that one section takes from another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from strokecast.common.errors import UserError, suggest
from strokecast.params import combinations, distil
from strokecast.params.base import TASKS

if TYPE_CHECKING:
    from strokecast.params.schema import Params

TIMED_SOURCES = ("quickdraw_raw",)  # their drawings have the time of each point


def check(params: Params) -> None:
    """Check what the tasks with an enabled model take from other sections.

    Raises:
        UserError: for a baseline or a judge that cannot be one, a column, class or time that the source does not have, and
            dates that leave a split without days.
    """
    for task in TASKS:
        if params.is_enabled(task):
            _check_baseline(params, task)
    if params.is_enabled("draw"):
        _check_judge(params)
    distil.check(params)
    for task in ("classify", "watch"):
        if params.is_enabled(task):
            combinations.check(params, task)
    _check_times(params)
    _check_mirror_classes(params)
    if params.is_enabled("forecast"):
        combinations.check(params, "forecast")
        _check_refits(params)
        _check_columns(params)
        _check_holidays(params)
        _check_dates(params)


def _check_baseline(params: Params, task: str) -> None:
    evaluation = getattr(params.evaluation, task)
    name = getattr(evaluation, "baseline", None)
    if name is None or name in params.entries(task):
        return
    if "baseline" not in evaluation.model_fields_set:
        return  # the default names a model that this file does not train: there is no baseline
    raise UserError(
        f"{name!r} is not a model of {task}",
        location=f"params.yaml: evaluation.{task}.baseline",
        allowed=[*params.entries(task), "null"],
        fix=suggest(name, [*params.entries(task)]),
    )


def _check_refits(params: Params) -> None:
    entries = params.entries("forecast")
    for name in params.evaluation.forecast.refit_every_by_model:
        if name not in entries:
            raise UserError(
                f"{name!r} is not a model of forecast",
                location="params.yaml: evaluation.forecast.refit_every_by_model",
                allowed=list(entries),
                fix=suggest(name, list(entries)),
            )


def _check_judge(params: Params) -> None:
    name, classifiers = params.draw.judge, params.models.classify
    usable = [n for n, entry in classifiers.items() if entry.enabled and not entry.config.get("time")]
    if name in usable:
        return
    problem = "is not a model of classify"
    if name in classifiers:
        problem = (
            "is switched off"
            if not classifiers[name].enabled
            else "reads time, which generated drawings lack"
        )
    raise UserError(
        f"{name!r} {problem}",
        location="params.yaml: draw.judge",
        allowed=usable or "a model of classify",
        fix="" if usable else "add one, or switch the models of draw off",
    )


def _check_times(params: Params) -> None:
    """Only some sources record when each point was drawn."""
    source = params.sketches.source
    if source in TIMED_SOURCES:
        return
    fix = f"set sketches.source to {' or '.join(TIMED_SOURCES)}"
    if params.is_enabled("watch") and params.features.watch.by == "time":
        raise UserError(
            f"the drawings of {source} have no time",
            location="params.yaml: features.watch.by",
            allowed="ink",
            fix=fix,
        )
    for task in ("classify", "draw"):
        for name, entry in params.entries(task).items():
            if entry.enabled and entry.config.get("time") is True:
                raise UserError(
                    f"the drawings of {source} have no time",
                    location=f"params.yaml: {params.location(task, name)}.config.time",
                    allowed="false",
                    fix=fix,
                )


def _check_mirror_classes(params: Params) -> None:
    """Classes to mirror must be classes of the source, if it lists them."""
    classes = getattr(getattr(params.sketches, params.sketches.source), "classes", "all")
    if classes == "all":
        return
    for task in ("classify", "watch"):
        for name, entry in params.entries(task).items():
            recipe = params.recipe(task, name)
            unknown = (
                []
                if recipe.mirror_classes == "all"
                else [c for c in recipe.mirror_classes if c not in classes]
            )
            if entry.enabled and unknown:
                own = "mirror_classes" in entry.training
                raise UserError(
                    f"{unknown[0]!r} is not a class of sketches.{params.sketches.source}.classes",
                    location=f"params.yaml: {f'{params.location(task, name)}.training' if own else f'training.{task}'}.mirror_classes",
                    allowed=f"all, or a list of {', '.join(classes[:20])}{', ...' if len(classes) > 20 else ''}",
                    fix=suggest(unknown[0], classes),
                )


def _check_columns(params: Params) -> None:
    """The columns of features.forecast must be columns of the source."""
    source, features = params.series.source, params.features.forecast
    csv, cta = params.series.csv, params.series.cta
    further: dict[str, Sequence[str]] = {
        "births": (),
        "cta": [name for name in ("bus", "rail_boardings") if name != cta.column],
        "csv": csv.extra_columns,
    }
    available = ["y", *further[source]]
    for key, names in (("targets", features.targets), ("past_covariates", features.past_covariates)):
        for name in names:
            if name not in available:
                hint = (
                    "list further columns of the file in series.csv.extra_columns" if source == "csv" else ""
                )
                if name == csv.value_column and source == "csv":
                    hint = "the column series.csv.value_column is called y here"
                raise UserError(
                    f"the series of {source} has no column {name!r}",
                    location=f"params.yaml: features.forecast.{key}",
                    allowed=available,
                    fix=suggest(name, available) or hint,
                )
    has_day_types = source == "cta" or (source == "csv" and csv.day_type_column != "")
    if "day_type" in features.calendar and not has_day_types:
        raise UserError(
            f"the series of {source} has no day types",
            location="params.yaml: features.forecast.calendar",
            fix="remove day_type, or name its column (series.csv.day_type_column; the source cta has one)",
        )
    if features.series == "all" and not (source == "csv" and csv.id_column):
        raise UserError(
            f"the source {source} has only one series",
            location="params.yaml: features.forecast.series",
            allowed="one",
            fix="set series: one, or name the column that identifies series (series.csv.id_column)",
        )
    evaluation = params.evaluation.forecast
    if features.series == "all" and evaluation.refits:
        key = "refit_every" if evaluation.refit_every is not None else "refit_every_by_model"
        raise UserError(
            "models of several series cannot be refitted as origins move on",
            location=f"params.yaml: evaluation.forecast.{key}",
            allowed="null",
            fix="or set features.forecast.series: one",
        )


def _check_holidays(params: Params) -> None:
    """Settings that need the holidays of a country, which `holiday_country: auto` may not know."""
    features = params.features.forecast
    if features.holiday_country is None or features.for_source(params.series.source).holiday_country:
        return
    lags_need_it = features.lag_calendar and "day_type" not in features.calendar
    needs = {
        "holiday_window": features.holiday_window not in (0, "auto"),
        "bridge_days": features.bridge_days is True,
        "lag_calendar": lags_need_it,
    }
    for key, is_set in needs.items():
        if is_set:
            raise UserError(
                f"holiday_country: auto is no country with the source {params.series.source}",
                location=f"params.yaml: features.forecast.{key}",
                allowed="0" if key == "holiday_window" else "false",
                fix="or set features.forecast.holiday_country, e.g. to US or US-IL",
            )


def holiday_warning(params: Params) -> str:
    """One line if no country is known whose public holidays the forecasters could read; "" otherwise.

    Args:
        params: as read, with `holiday_country: auto` if it is so.
    """
    features, source = params.features.forecast, params.series.source
    if not params.is_enabled("forecast") or features.holiday_country is None:
        return ""
    if features.for_source(source).holiday_country:
        return ""
    return (
        f"features.forecast.holiday_country is auto, which is no country with the source {source}: no public holidays are "
        "read; a country or region (US, DE, US-IL, ...) adds whether a day is one, precedes or follows one, and a flag per "
        "holiday; null: none, without this warning"
    )


def _check_dates(params: Params) -> None:
    """Dates of the splits and regimes must lie within the days that quality.series selects."""
    features, quality = params.features.forecast, params.quality.series
    dates = {
        "quality.series.start": quality.start,
        "features.forecast.valid_from": features.valid_from,
        "features.forecast.test_from": features.test_from,
        "quality.series.end": quality.end,
    }
    known = [(key, value) for key, value in dates.items() if isinstance(value, str)]
    for (earlier, first), (later, second) in itertools.pairwise(known):
        if first > second or (first == second and later != "quality.series.end"):
            raise UserError(
                f"{second} is not after {earlier} ({first})",
                location=f"params.yaml: {later}",
                allowed="quality.series.start < valid_from < test_from < quality.series.end",
            )
    for position, regime in enumerate(params.evaluation.forecast.regimes):
        location = f"params.yaml: evaluation.forecast.regimes.{position}"
        if isinstance(features.test_from, str) and regime.last < features.test_from:
            raise UserError(
                f"regime {regime.name!r} ({regime.first} to {regime.last}) ends before the test split",
                location=location,
                allowed=f"days from features.forecast.test_from ({features.test_from})",
            )
        if quality.end is not None and regime.first > quality.end:
            raise UserError(
                f"regime {regime.name!r} ({regime.first} to {regime.last}) begins after the last day",
                location=location,
                allowed=f"days up to quality.series.end ({quality.end})",
            )
