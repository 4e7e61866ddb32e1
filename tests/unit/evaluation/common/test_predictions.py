"""Checks of predictions before they are evaluated."""

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.params import ModelEntry


def test_a_diverged_model_is_named(train, tmp_path):
    train("classify", "a")
    (model,) = find_trained_models("classify", {"a": ModelEntry()}, tmp_path / "models").finished
    assert require_finite(np.ones(3), model).tolist() == [1, 1, 1]
    with pytest.raises(UserError, match="a \\(seed 1\\) diverged"):
        require_finite(np.array([1.0, np.nan]), model)
