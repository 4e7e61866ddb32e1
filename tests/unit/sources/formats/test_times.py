"""The time of raw drawings through simplifying: one number a movement, on the points that stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from strokecast.sources.formats import ndjson, reading, simplify
from strokecast.sources.formats.records import RefusedError
from strokecast.sources.formats.strokes3 import to_strokes3, to_times


def test_times_count_from_the_first_point_on_any_clock() -> None:
    strokes = [np.array([[0.0, 5], [0, 5], [1_000, 1_010.4]]), np.array([[9.0], [9], [1_500]])]
    times = to_times(strokes)
    assert times.dtype == np.int32
    assert times.tolist() == [10, 500]
    assert len(times) == len(to_strokes3(strokes))


def test_a_clock_that_goes_back_stands_still_and_none_runs_over() -> None:
    assert to_times([np.array([[0.0] * 4, [0] * 4, [0, 70, 20, 90]])]).tolist() == [70, 70, 90]
    assert to_times([np.array([[0.0] * 3, [0] * 3, [-1e15, 0, 1e15]])]).tolist() == [2**31 - 1] * 2


def test_points_that_stay_keep_their_time() -> None:
    """A right angle of 100 px a side, drawn at two speeds: the corner's time stays the corner's."""
    stroke = np.array([[0.0, 50, 100, 100], [0, 0, 0, 100], [0, 400, 800, 1_000]])
    (made,) = simplify.simplify([stroke])
    np.testing.assert_allclose(made, [[0, 255, 255], [0, 0, 255], [0, 800, 1_000]], atol=1e-9)
    (plain,) = simplify.simplify([stroke[:2]])
    np.testing.assert_array_equal(plain, made[:2])


def test_every_movement_of_real_raw_drawings_has_its_time(shared: Path) -> None:
    count = 0
    for path in sorted((shared / "quickdraw/full/raw").glob("*.ndjson")):
        for group in reading.read_file(path, "raw", path.stem, reading.Options(valid_share=0.2)):
            assert group.times is not None
            assert list(map(len, group.times)) == list(map(len, group.drawings))
            for times in group.times:
                assert times[0] >= 0
                assert (np.diff(times) >= 0).all()
                assert times[-1] < 40_000  # the game gave 20 s
                count += 1
    assert count == 159


def test_formats_without_time_have_none(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(line("simplified"))
    assert all(
        group.times is None for group in reading.read_file(path, "simplified", "cat", reading.Options())
    )


def test_a_time_beyond_all_clocks_is_refused(line: Callable[..., bytes]) -> None:
    with pytest.raises(RefusedError, match="a time is beyond 1,000,000,000,000,000 ms"):
        ndjson.parse(line(drawing=[[[0, 1], [0, 1], [0, 1e300]]]), "raw")
