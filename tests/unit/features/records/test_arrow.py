"""Arrow columns as numpy arrays."""

import numpy as np
import pyarrow as pa
import pytest

from strokecast.features.records import arrow


def test_array_is_read_from_its_offset() -> None:
    array = pa.array([1, 2, 3, 4], pa.int32()).slice(1, 2)
    assert arrow.to_numpy(array, np.int32).tolist() == [2, 3]


def test_other_types_and_nulls_are_refused() -> None:
    for array in (pa.array([1.0]), pa.array([1, None], pa.int32())):
        with pytest.raises(ValueError, match="expected int32"):
            arrow.to_numpy(array, np.int32)


def test_columns_are_floats_or_objects() -> None:
    table = pa.table({"n": [1, None, 3], "day_type": ["A", None, "W"]})
    np.testing.assert_array_equal(arrow.column_values(table["n"]), [1.0, np.nan, 3.0])
    assert arrow.column_values(table["day_type"]).tolist() == ["A", None, "W"]
