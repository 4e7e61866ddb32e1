"""Large libraries are imported without what no stage uses, and nothing is lost by that."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from strokecast.common.import_hiding import without

STAGE = """
import sys
from strokecast.common.stage import stage, start_tensorflow
with stage("train", "looking at what is imported"):
    start_tensorflow()
there = {"sklearn", "matplotlib", "pandas"} & set(sys.modules)
assert "keras" in sys.modules and not there, there
import keras, matplotlib.figure, pandas, sklearn.base
assert keras.ops.convert_to_tensor(pandas.Series([1.0, 2.0]).to_numpy()).shape == (2,)
"""


def test_what_is_hidden_is_absent_inside_and_there_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("wave", "colorsys"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with without(absent=("wave", "sys")):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("wave")
        assert importlib.import_module("sys") is sys, "what is imported already stays"
    assert importlib.import_module("wave").Error
    with without(later=("colorsys",)):
        stand_in = importlib.import_module("colorsys")
        assert stand_in.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert importlib.import_module("colorsys") is not stand_in


def test_a_stage_imports_keras_without_what_it_hands_it_nothing_of() -> None:
    ran = subprocess.run([sys.executable, "-c", STAGE], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
