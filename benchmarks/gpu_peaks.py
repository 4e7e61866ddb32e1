"""Peak FLOP/s of GPUs for dense matrix products, from NVIDIA's data sheets.

If a sheet has only the rate of Tensor Cores with structured sparsity, the dense rate is half of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NVIDIA = "https://www.nvidia.com/content/dam/en-zz/Solutions/Data-Center"
_IMAGES = "https://images.nvidia.com"


class Peaks(NamedTuple):
    """Peak rates of a device, FLOP/s.

    Attributes:
        float32: of the ordinary units.
        tf32: of the Tensor Cores; None: they do not compute it.
        bfloat16: of the Tensor Cores, summed in float32; None: they do not compute it.
        source: the data sheet.
    """

    float32: float
    tf32: float | None
    bfloat16: float | None
    source: str


_VOLTA = f"{_IMAGES}/content/technologies/volta/pdf/volta-v100-datasheet-update-us-1165301-r5.pdf"
_ADA = f"{_IMAGES}/aem-dam/Solutions/Data-Center/l4/nvidia-ada-gpu-architecture-whitepaper-v2.1.pdf"

# Regular expression for the name that the driver reports → peaks. Boards of one name differ: the NVL boards of H100 and H200,
# A10G and GH200 are slower or unverified and not in the table.
PEAKS: dict[str, Peaks] = {
    r"\bH200\b(?! NVL)": Peaks(
        67e12,
        494.5e12,
        989.5e12,
        "https://nvdam.widen.net/s/nb5zzzsjdf/hpc-datasheet-sc23-h200-datasheet-3002446",
    ),
    r"\bH100 PCIe\b": Peaks(51.2e12, 378e12, 756e12, "https://resources.nvidia.com/en-us-tensor-core"),
    r"\bH100\b(?! NVL)": Peaks(67e12, 494.5e12, 989.5e12, "https://resources.nvidia.com/en-us-tensor-core"),
    r"\bA100\b": Peaks(
        19.5e12, 156e12, 312e12, f"{_NVIDIA}/a100/pdf/nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf"
    ),
    r"\bL40S\b": Peaks(91.6e12, 183e12, 362.05e12, "https://www.nvidia.com/en-us/data-center/l40s"),
    r"\bL40\b": Peaks(90.5e12, 90.5e12, 181.05e12, _ADA),
    r"\bL4\b": Peaks(30.3e12, 60e12, 121e12, _ADA),
    r"\bA10\b": Peaks(31.2e12, 62.5e12, 125e12, f"{_NVIDIA}/a10/pdf/a10-datasheet.pdf"),
    r"\bV100S\b": Peaks(16.4e12, None, None, _VOLTA),
    r"\bV100-PCIE\b": Peaks(14e12, None, None, _VOLTA),
    r"\bV100-SXM": Peaks(15.7e12, None, None, _VOLTA),
    r"\bT4\b": Peaks(8.1e12, None, None, f"{_NVIDIA}/tesla-t4/t4-tensor-core-datasheet-951643.pdf"),
}
_FIELDS = {"float32": "float32", "tf32": "tf32", "loop": "tf32", "mixed_bfloat16": "bfloat16"}


def peak(device_name: str, variant: str) -> float | None:
    """Peak FLOP/s of a device in the arithmetic of a variant; None if it is not known.

    Args:
        device_name: as the driver reports it, e.g. `NVIDIA H200`.
        variant: `float32`, `tf32`, `loop` (TF32) or `mixed_bfloat16`.
    """
    for pattern, peaks in PEAKS.items():
        if re.search(pattern, device_name):
            rate: float | None = getattr(peaks, _FIELDS[variant])
            return rate
    return None
