"""benchmarks/gpu.py: its table, and which measurements it makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def gpu(import_benchmark: Callable[[str], Any]) -> Any:
    return import_benchmark("gpu")


def test_the_table_has_the_share_of_the_peak_where_it_is_known(gpu: Any) -> None:
    result = {
        "examples_per_second": 1000.0,
        "flops_per_example": 5_000_000,
        "flops_per_second": 49_450_000_000_000,
        "cudnn": "gru_1: yes",
    }
    record = {
        "device": "NVIDIA H200",
        "tensorflow": "2.21.0",
        "results": {"classify/gru/tf32": result, "classify/gru/float32": {"error": "no memory"}},
        "best": {"accuracy": 0.9812, "seconds": 61.0, "epochs": 12, "finished": True},
    }
    text = gpu.to_markdown(record)
    assert "| classify/gru | 5.00 | 1,000 (49.450, 10.0%) | failed | gru_1: yes |" in text
    assert "Preset `best`: reached 98.12% of the validation drawings after 61 s and 12 epochs." in text
    assert "1,000 (49.450)" in gpu.to_markdown({**record, "device": "another GPU"})


@pytest.mark.parametrize(
    ("name", "tf32"),
    [
        ("NVIDIA H100 80GB HBM3", 494.5e12),
        ("NVIDIA H100 PCIe", 378e12),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA A100-SXM4-80GB", 156e12),
        ("NVIDIA L40S", 183e12),
        ("NVIDIA L40", 90.5e12),
        ("NVIDIA L4", 60e12),
        ("NVIDIA A10G", None),
        ("NVIDIA T400", None),
    ],
)
def test_a_peak_is_that_of_the_board_with_this_name(gpu: Any, name: str, tf32: float | None) -> None:
    assert gpu.peak(name, "tf32") == tf32


def test_networks_of_tasks_with_data_are_measured_first_in_the_default_variant(
    gpu: Any, tmp_path: Path
) -> None:
    (tmp_path / "draw").mkdir()
    (tmp_path / "draw/spec.json").touch()
    keys = [one.key for one in gpu.measurements(tmp_path, "gpu", quick=False)]
    assert keys[:3] == [
        "draw/class_decoder/tf32",
        "draw/sketch_rnn/tf32",
        "draw/class_decoder/mixed_bfloat16",
    ]
    assert len(keys) == 2 * len(gpu.VARIANTS)
    assert [one.key for one in gpu.measurements(tmp_path, "cpu", quick=True)] == [
        "draw/class_decoder/float32",
        "draw/class_decoder/mixed_bfloat16",
    ]
