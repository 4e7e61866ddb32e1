"""Large libraries are imported without optional dependencies, which stay importable afterwards."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from strokecast.common.import_hiding import hide_modules

STAGE = """
import sys
from strokecast.common.import_hiding import start_tensorflow
from strokecast.common.stage import stage
with stage("train", "listing the imports"):
    start_tensorflow()
imported = {"sklearn", "matplotlib", "pandas"} & set(sys.modules)
assert "keras" in sys.modules and not imported, imported
import keras, matplotlib.figure, pandas, sklearn.base
assert keras.ops.convert_to_tensor(pandas.Series([1.0, 2.0]).to_numpy()).shape == (2,)
"""


def test_hidden_modules_are_absent_inside_the_block_and_importable_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("wave", "colorsys"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with hide_modules(absent=("wave", "sys")):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("wave")
        assert importlib.import_module("sys") is sys, "imported modules stay"
    assert importlib.import_module("wave").Error
    with hide_modules(lazy=("colorsys",)):
        lazy_module = importlib.import_module("colorsys")
        assert lazy_module.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert importlib.import_module("colorsys") is not lazy_module


@pytest.mark.slow
def test_a_stage_imports_keras_without_its_optional_dependencies() -> None:
    result = subprocess.run([sys.executable, "-c", STAGE], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
