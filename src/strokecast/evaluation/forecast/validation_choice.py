"""How often choosing the forecaster by validation was right: the recorded runs of several series.

`validation_choice.yaml` has one row per series, written by `benchmarks/forecast_choice.py --output`. The report shows them beside
the choice of its own run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from strokecast.params import Strict
from strokecast.params.base import Count, Day, to_tuple
from strokecast.params.yaml_file import read_yaml

FILE = Path(__file__).with_name("validation_choice.yaml")
NEAR = 0.02  # a choice within this share of the best error counts as near


class Choice(Strict):
    """What validation chose in one run, and how it stands on the test split."""

    run: str = Field(..., description="name of the project")
    series: str = Field(..., description="name of the series")
    first: Day = Field(..., description="first forecast day of the first test origin")
    horizon: Count = Field(..., description="days ahead")
    rows: Count = Field(..., description="number of models, combinations included")
    champion: str = Field(..., description="the model that validation chose")
    rank: Count = Field(..., description="of the champion by test MAE")
    mae: float = Field(..., description="test MAE of the champion, in the unit of the series")
    best: str = Field(..., description="the model with the lowest test MAE")
    best_mae: float = Field(..., description="its test MAE")
    differs: bool = Field(..., description="whether champion and best differ significantly")
    typical: float = Field(..., description="test MAE of the median row over that of the best one, minus 1")

    @property
    def loss(self) -> float:
        """Test MAE of the champion over that of the best model, minus 1."""
        return self.mae / self.best_mae - 1


class Choices(Strict):
    """The contents of `validation_choice.yaml`."""

    date: Day = Field(..., description="when the file was written")
    choices: Annotated[tuple[Choice, ...], BeforeValidator(to_tuple), Field(min_length=1)] = Field(
        ..., description="one per run"
    )


def load() -> Choices:
    """The recorded choices."""
    return Choices.model_validate(read_yaml(FILE))


def write(path: Path, choices: Choices) -> None:
    """Write a file that `load` reads."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 200
    with path.open("w", encoding="utf-8") as file:
        file.write(
            "# What validation chose in finished runs. Written by benchmarks/forecast_choice.py --output.\n"
        )
        yaml.dump(choices.model_dump(mode="json"), file)


def count_right(choices: Sequence[Choice]) -> dict[str, Any]:
    """How often validation was right, for `summary.json`.

    Args:
        choices: at least one.

    Returns:
        `runs`: names; `ranks`: of the choices; `best`, `near`, `same`: number of choices that are the best row, within `near_share` of its MAE, and not
        significantly different from it; `loss`, `typical_loss`: mean excess of the MAE of the choice and of the median row.
    """
    return {
        "runs": [one.run for one in choices],
        "ranks": [f"{one.rank} of {one.rows}" for one in choices],
        "best": sum(one.rank == 1 for one in choices),
        "near": sum(one.loss <= NEAR for one in choices),
        "near_share": NEAR,
        "same": sum(not one.differs for one in choices),
        "loss": round(float(np.mean([one.loss for one in choices])), 4),
        "typical_loss": round(float(np.mean([one.typical for one in choices])), 4),
    }


def facts() -> dict[str, Any]:
    """`count_right` of the recorded choices, and their `date`."""
    recorded = load()
    return {"date": recorded.date} | count_right(recorded.choices)
