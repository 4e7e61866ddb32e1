"""Rows stored on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from strokecast.validation.sketches.spool import Spools


def test_a_spool_returns_what_was_appended_and_its_file_has_no_name(tmp_path: Path) -> None:
    with Spools(tmp_path / "data") as spools:
        in_memory, on_disk = spools.new("i4"), spools.new([("a", "i8"), ("b", "f4", 2)], max_memory=1)
        rows = np.zeros(9, dtype=on_disk.dtype)
        rows["a"], rows["b"] = np.arange(9), np.arange(18).reshape(9, 2)
        for start in range(0, 9, 4):
            in_memory.append(rows["a"][start : start + 4])
            on_disk.append(rows[start : start + 4])
            assert len(on_disk.read(1, 3)) == 2  # a read between appends changes nothing
        assert in_memory.read().tolist() == list(range(9))
        np.testing.assert_array_equal(on_disk.read(2, 7), rows[2:7])
        assert on_disk.read(7, 99)["a"].tolist() == [7, 8]
        assert (len(on_disk), len(on_disk.read(9, 9))) == (9, 0)
        assert not list((tmp_path / "data").iterdir())
    with pytest.raises(ValueError, match="closed"):
        on_disk.read()
