"""The picture of the pipeline, which needs no run."""

from __future__ import annotations

from pathlib import Path

STAGES = (  # stage and what it makes, left to right
    ("params", "settings of\neach stage"),
    ("download", "sketches,\nseries"),
    ("validate", "accepted rows,\nquarantine"),
    ("preprocess", "TFRecords\nper task"),
    ("train", "one model per\narchitecture, seed"),
    ("evaluate", "metrics with\nintervals"),
    ("compare", "leaderboard,\nHTML page"),
    ("sync", "MLflow board"),
)


def draw_pipeline(folder: Path, reports: Path) -> str:
    """The stages of dvc.yaml from left to right; needs no run."""
    from matplotlib.patches import FancyBboxPatch

    from strokecast.common import figures

    figure, (axes,) = figures.create(9.6, 2.1)
    for position, (stage, result) in enumerate(STAGES):
        colour = figures.COLOURS[0] if stage in ("train", "evaluate") else "#f4f4f4"
        box = FancyBboxPatch(
            (position - 0.38, 0.55),
            0.76,
            0.5,
            boxstyle="round,pad=0.02",
            facecolor=colour,
            edgecolor=figures.INK,
            lw=0.8,
        )
        axes.add_patch(box)
        ink = "white" if colour != "#f4f4f4" else figures.INK
        axes.text(position, 0.8, stage, ha="center", va="center", fontsize=9, color=ink)
        axes.text(position, 0.38, result, ha="center", va="top", fontsize=7, color="#555555")
        if position:
            arrow = {"arrowstyle": "-|>", "lw": 0.9, "color": figures.INK, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", xy=(position - 0.4, 0.8), xytext=(position - 0.6, 0.8), arrowprops=arrow)
    tasks = "classify   ·   watch   ·   draw   ·   forecast"
    axes.annotate(
        "",
        xy=(2.6, 1.25),
        xytext=(5.4, 1.25),
        arrowprops={"arrowstyle": "|-|,widthA=0.2,widthB=0.2", "lw": 0.8},
    )
    axes.text(4.0, 1.36, tasks, ha="center", va="bottom", fontsize=8)
    axes.set(xlim=(-0.5, len(STAGES) - 0.5), ylim=(-0.1, 1.7))
    axes.axis("off")
    path = folder / "pipeline.svg"
    figures.save(figure, path)
    return path.name
