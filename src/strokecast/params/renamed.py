"""Renamed and moved keys of `params.yaml`, for an error that names the new key."""

from __future__ import annotations

from collections.abc import Sequence

# section → old key → new key
_RENAMED = {
    "training": {
        "best_by": "monitor",
        "clip_norm": "global_clipnorm",
        "clip_value": "clipvalue",
        "batch_tokens": "max_tokens_per_batch",
        "average": "weight_averaging",
    },
    "features": {
        "bounds": "bucket_boundaries",
        "window": "input_size",
        "covariates": "past_covariates",
        "country": "holiday_country",
        "holiday_days": "holiday_window",
    },
    "evaluation": {
        "ladder": "temperatures",
        "step": "step_size",
        "origins": "max_origins",
        "block": "block_days",
    },
    "draw": {"referee": "judge"},
    "models": {
        "history": "max_history_days",
        "columns": "ensemble_size",
        "size": "d_model",
        "hidden": "mlp_dim",
        "heads": "num_heads",
    },
}

_MOVED = {"training.device": "runtime.device", "training.threads": "runtime.threads"}


def new_path(path: Sequence[str]) -> str | None:
    """The dotted key path that `path` moved to; None if it was not moved."""
    return _MOVED.get(".".join(path))


def new_name(path: Sequence[str]) -> str | None:
    """The new name of the last key of `path`; None if it was not renamed.

    Args:
        path: key path from the root of `params.yaml`, e.g. ("training", "forecast", "best_by").
    """
    section = "training" if "training" in path[:-1] else path[0] if path else ""
    return _RENAMED.get(section, {}).get(path[-1]) if path else None
