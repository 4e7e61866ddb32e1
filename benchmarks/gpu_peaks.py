"""Peak FLOP/s of GPUs for dense matrix products, from NVIDIA's data sheets."""

from __future__ import annotations

# Part of the device's name → FLOP/s in float32, TF32 and bfloat16, without structured sparsity; None: the device has no such units.
# The first part that fits counts.
PEAKS: dict[str, tuple[float, float | None, float | None]] = {
    "H200": (67e12, 494.5e12, 989e12),
    "H100 PCIe": (51e12, 378e12, 756e12),
    "H100": (67e12, 494.5e12, 989e12),
    "A100": (19.5e12, 156e12, 312e12),
    "L40S": (91.6e12, 183e12, 362e12),
    "L4": (30.3e12, 60e12, 121e12),
    "A10": (31.2e12, 62.5e12, 125e12),
    "V100": (15.7e12, None, None),
    "T4": (8.1e12, None, None),
}
_COLUMNS = {"float32": 0, "tf32": 1, "loop": 1, "mixed_bfloat16": 2}


def peak(device_name: str, variant: str) -> float | None:
    """Peak FLOP/s of a device in the arithmetic of a variant; None if it is not known.

    Args:
        device_name: as the driver reports it, e.g. `NVIDIA H200`.
        variant: `float32`, `tf32`, `loop` (TF32) or `mixed_bfloat16`.
    """
    for part, peaks in PEAKS.items():
        if part in device_name:
            return peaks[_COLUMNS[variant]]
    return None
