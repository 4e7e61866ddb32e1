"""System metrics of a training."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from strokecast.tracking import system


@pytest.mark.parametrize("seconds", [0.0, 1.3])
def test_even_a_short_training_has_a_sample(tmp_path: Path, seconds: float) -> None:
    sampler = system.Sampler()
    time.sleep(seconds)
    early = sampler.new_samples()
    sampler.stop()
    sampler.stop()
    late = sampler.new_samples()
    assert sampler.new_samples() == []
    sampler.write(tmp_path / "system.csv")
    names = {name for _, name, _, _ in late}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= names
    assert {step for *_, step in early + late} == ({0} if seconds == 0 else {0, 1})
    lines = (tmp_path / "system.csv").read_text().splitlines()
    assert lines[0] == "timestamp_ms,name,value,step"
    assert len(lines) == 1 + len(early) + len(late)


def test_a_resumed_training_keeps_the_earlier_samples(tmp_path: Path) -> None:
    first = system.Sampler(tmp_path / "system.csv")
    first.stop()
    first.save()
    second = system.Sampler(tmp_path / "system.csv")
    second.stop()
    steps = {step for *_, step in second.new_samples()}
    assert steps == {0, 1}
