"""A combination is chosen instead of the best single model unless it is significantly worse on validation origins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strokecast.evaluation.forecast import combination_choice
from strokecast.inference import selection
from strokecast.params import ForecastEvaluation

SETTINGS = ForecastEvaluation(resamples=200, block_days=7)
DAYS = (np.datetime64("2020-01-01") + np.arange(120)).astype(str)
ERRORS = 10 + np.random.default_rng(0).normal(size=120)


def models(root: Path, **errors: np.ndarray) -> dict[str, list[Path]]:
    folders = {}
    for name, values in errors.items():
        (root / name).mkdir(parents=True)
        selection.write_errors(root / name, {"": dict(zip(DAYS, values.tolist(), strict=False))})
        folders[name] = [root / name]
    return folders


def preferred(folders: dict[str, list[Path]], *combinations: str, **rules: str) -> str | None:
    scores = selection.validation_scores(folders)
    return combination_choice.preferred(
        folders, scores, dict.fromkeys(combinations, "equal") | rules, SETTINGS
    )


@pytest.mark.parametrize(
    ("excess", "chosen"), [(0.1, "mean"), (0.5, None)]
)  # the standard error of the difference is 0.13
def test_a_combination_is_chosen_unless_it_is_significantly_worse(
    tmp_path: Path, excess: float, chosen: str | None
) -> None:
    other = ERRORS + excess + np.random.default_rng(1).normal(size=120) * 1.4
    other += ERRORS.mean() + excess - other.mean()
    folders = models(tmp_path, single=ERRORS, mean=other, worse_mean=other + 0.01)
    assert preferred(folders, "mean", "worse_mean") == chosen


def test_simple_weights_are_preferred_to_estimated_ones(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(3, 120))
    near, far = (ERRORS + shift + one - one.mean() for shift, one in ((0.05, noise[0]), (1.0, noise[1])))
    folders = models(tmp_path, single=ERRORS, squares=ERRORS - 0.01, near=near, far=far)
    assert preferred(folders, near="inverse_error", squares="nnls") == "near", "squares has the lowest error"
    assert preferred(folders, far="equal", squares="nnls") is None
    folders = models(tmp_path / "other", single=ERRORS, squares=ERRORS + (near - ERRORS) / 2, far=far)
    assert preferred(folders, far="equal", squares="nnls") == "squares"


def test_nothing_is_preferred_to_a_combination_with_the_lowest_error(tmp_path: Path) -> None:
    folders = models(tmp_path, single=ERRORS, mean=ERRORS - 0.1)
    assert preferred(folders, "mean") is None


def test_without_combinations_or_shared_origins_the_lowest_error_is_chosen(tmp_path: Path) -> None:
    folders = models(tmp_path, single=ERRORS, other=ERRORS + 1)
    assert preferred(folders) is None
    (tmp_path / "late").mkdir()
    selection.write_errors(tmp_path / "late", {"": {"2021-01-01": 10.1}})
    assert preferred({**folders, "late": [tmp_path / "late"]}, "late") is None


def test_every_series_has_the_same_weight(tmp_path: Path) -> None:
    folders = {}
    for name, shifts in (("single", (0.0, 0.0)), ("mean", (-0.5, 1.2))):
        (tmp_path / name).mkdir()
        series = {
            key: dict(zip(DAYS[first:], (ERRORS[first:] + shift).tolist(), strict=True))
            for key, first, shift in zip("ab", (0, 60), shifts, strict=True)
        }
        selection.write_errors(tmp_path / name, series)
        folders[name] = [tmp_path / name]
    assert preferred(folders, "mean") is None, "0.35 worse; the mean over all origins is 0.07 worse"
