"""Scripts of `docs/` as modules."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="session")
def import_script() -> Callable[[str], ModuleType]:
    """`import_script(name)` imports docs/<name>.py, which is not in a package."""

    def load(name: str) -> ModuleType:
        if str(DOCS) not in sys.path:
            sys.path.insert(0, str(DOCS))  # as Python does for `python docs/<name>.py`
        spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look up their module
        spec.loader.exec_module(module)
        return module

    return load
