"""Attribution of the data that reports and figures show, from `data/raw/<dataset>/source.json`."""

from __future__ import annotations

from pathlib import Path

from strokecast.common.files import read_json


def read_attribution(raw: Path, dataset: str) -> str:
    """Who made the data and under which licence, in one line; "" if the source asks for no attribution.

    Args:
        raw: `data/raw`.
        dataset: `sketches` or `series`.
    """
    source = read_json(raw / dataset / "source.json")
    if not source.get("attribution"):
        return ""
    licence = f" Licence: {source['licence']}." if source.get("licence") else ""
    return f"{source['attribution'].rstrip('.')}.{licence}"
