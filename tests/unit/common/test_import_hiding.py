"""Large libraries are imported without optional dependencies, which stay importable afterwards."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.common.import_hiding import hide_modules, start_tensorflow

KERAS_JSON = Path(__file__).parents[2] / "cases/keras-json"

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


def test_keras_has_its_default_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    start_tensorflow()
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UserError, match="backend 'jax'; allowed: tensorflow; set KERAS_BACKEND=tensorflow"):
        start_tensorflow()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "no-such-backend"])
def test_a_users_keras_settings_have_no_effect(backend: str, tmp_path: Path) -> None:
    code = (
        "import os; from strokecast.common.import_hiding import start_tensorflow; start_tensorflow(); import keras;"
        "print(keras.config.backend(), keras.config.floatx(), keras.config.image_data_format(), os.environ['KERAS_HOME'])"
    )
    variables = {"KERAS_BACKEND": backend, "KERAS_HOME": str(KERAS_JSON), "HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["tensorflow", "float32", "channels_last", str(KERAS_JSON)], result.stderr
    assert not (tmp_path / ".keras").exists()
