"""The model card says where the data come from, how good the model is by slice, and how to load it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from strokecast.evaluation.promotion import model_card
from strokecast.evaluation.promotion.gate import Check
from strokecast.evaluation.promotion.scores import TestScores


@pytest.mark.parametrize("task", ["classify", "watch", "draw", "forecast"])
def test_a_card_holds_every_section(specs: dict[str, dict[str, Any]], task: str) -> None:
    spec = specs[task] | {"splits": {"train": {"first": "2000-01-01", "last": "2010-01-01"}}}
    if task != "forecast":
        spec = specs[task] | {"counts": {"train": {"16": 1000, "32": 500}, "test": 20}}
    run = {
        "name": "gru",
        "task": task,
        "kind": "network",
        "seed": 1,
        "training_id": "id-1",
        "parameters": 1200,
    }
    run |= {"ended_ms": 0, "git_commit": "f" * 40, "dataset": {"digest": "d" * 64}}
    table = pd.DataFrame(
        {"example": ["1", "2"], "truth": ["a", "b"], "score": [1.0, 0.0], "class": ["a|x", "b"]}
    )
    facts = model_card.CardFacts(
        run,
        spec,
        {"source": "made", "attribution": "Somebody *else*", "licence": "CC BY 4.0"},
        {"test/accuracy": 0.5, "test/mae": 3.25},
        TestScores(task, table, "made"),
        [Check("floor", True, "0.5"), Check("slices", False, "one")],
        "it is smaller",
        f"strokecast-{task}",
        "sqlite:///mlruns/mlflow.db",
    )
    card = model_card.write_card(facts)
    heads = [line for line in card.splitlines() if line.startswith("#")]
    assert heads[0] == f"# gru, champion of {task}"
    assert [head.partition(" ")[2] for head in heads[1:]] == [
        "Intended use",
        "Data",
        "Test results",
        f"Test {'mae' if task == 'forecast' else 'recognised' if task == 'draw' else 'accuracy'} by slice",
        "Gate",
        "Limits",
        "How to load",
    ]
    assert r"- attribution: Somebody \*else\*" in card
    assert "- licence: CC BY 4.0" in card
    assert r"| class a\|x |   1 |" in card
    assert "- overridden: slices: one" in card
    assert "Reason given: it is smaller" in card
    assert f'load_model("models:/strokecast-{task}@champion")' in card
    counts = (
        "- days: train 2000-01-01 to 2010-01-01" if task == "forecast" else "- drawings: train 1,500, test 20"
    )
    assert counts in card
    run["weights"] = {"": {"ridge": 0.4, "gru": 0.6}}
    assert "chosen on validation origins: `ridge` 0.4, `gru` 0.6." in model_card.write_card(
        replace(facts, run=run)
    )
    compile(card.partition("```python\n")[2].partition("```")[0], "card", "exec")
