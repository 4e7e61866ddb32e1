"""Stage `preprocess@<task>`: accepted rows → TFRecords and `spec.json`."""

import sys

from strokecast import params
from strokecast.common import paths
from strokecast.common.stage import stage


def main(task: str) -> None:
    """Write `data/processed/<task>`."""
    doing = {
        "classify": "scaling drawings and padding them by length bucket",
        "watch": "rendering drawings as videos of being drawn",
        "draw": "scaling drawings, leaving out the longest, and padding them by length bucket",
        "forecast": "splitting the series by time and cutting windows",
    }
    with stage(f"preprocess@{task}", doing[task]) as outcome:
        whole = params.read_stage(f"preprocess-{task}")
        settings = whole.features
        if task == "classify":
            from strokecast.features.sketches import classify

            spec = classify.preprocess(
                paths.VALIDATED / "sketches", paths.PROCESSED / task, settings.classify, whole.preprocess
            )
            counts = {split: sum(buckets.values()) for split, buckets in spec["counts"].items()}
            told = ", ".join(f"{count:,} {split}" for split, count in counts.items())
            outcome(f"{told} drawings of {len(spec['classes'])} classes in {len(spec['bounds'])} buckets")
        elif task == "watch":
            from strokecast.features.sketches import watch

            spec = watch.preprocess(
                paths.VALIDATED / "sketches", paths.PROCESSED / task, settings.watch, whole.preprocess
            )
            told = ", ".join(f"{count:,} {split}" for split, count in spec["counts"].items())
            outcome(f"{told} videos of {spec['frames']} frames of {spec['height']} x {spec['width']} pixels")
        elif task == "draw":
            from strokecast.features.sketches import draw

            spec = draw.preprocess(
                paths.VALIDATED / "sketches", paths.PROCESSED / task, settings.draw, whole.preprocess
            )
            counts = {split: sum(buckets.values()) for split, buckets in spec["counts"].items()}
            told = ", ".join(f"{count:,} {split}" for split, count in counts.items())
            left = sum(spec["left_out"].values())
            outcome(f"{told} drawings; {left:,} of more than {spec['bounds'][-1]} points are left out")
        else:
            from strokecast.features.timeseries import forecast

            spec = forecast.preprocess(paths.VALIDATED / "series", paths.PROCESSED / task, settings.forecast)
            told = ", ".join(f"{split['windows']:,} {name}" for name, split in spec["splits"].items())
            outcome(f"{told} windows of {spec['window']} + {spec['horizon']} days of {spec['name']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
