"""The training curves as a picture: the same history gives the same bytes."""

from __future__ import annotations

import csv
from pathlib import Path


def draw(history: Path, picture: Path, title: str) -> bool:
    """Draw loss (and accuracy, where there is one) against the epoch.

    Args:
        history: a training's history.csv.
        picture: the PNG to write.
        title: above the axes.

    Returns:
        Whether there was anything to draw: rules and estimators have no epochs.
    """
    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = [kind for kind in ("loss", "accuracy") if f"train_{kind}" in rows[0]]
    figure = Figure(figsize=(5.0 * len(kinds), 3.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    epochs = [int(row["epoch"]) for row in rows]
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        for split, style in (("train", "o-"), ("valid", "s--")):
            axes.plot(
                epochs, [float(row[f"{split}_{kind}"]) for row in rows], style, markersize=3, label=split
            )
        axes.set_xlabel("epoch")
        axes.set_ylabel(kind)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return True
