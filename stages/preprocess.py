"""Stage `preprocess@<task>`: accepted rows → TFRecords and `spec.json`."""

import sys

from strokecast import params, paths
from strokecast.stage import stage


def main(task: str) -> None:
    """Write `data/processed/<task>` for task `classify` or `forecast`."""
    doing = {
        "classify": "scaling drawings and padding them by length bucket",
        "forecast": "splitting the series by time and cutting windows",
    }
    with stage(f"preprocess@{task}", doing[task]) as outcome:
        whole = params.load()
        settings = whole.features
        if task == "classify":
            from strokecast.features import classify

            spec = classify.preprocess(
                paths.VALIDATED / "sketches", paths.PROCESSED / task, settings.classify, whole.preprocess
            )
            counts = {split: sum(buckets.values()) for split, buckets in spec["counts"].items()}
            told = ", ".join(f"{count:,} {split}" for split, count in counts.items())
            outcome(f"{told} drawings of {len(spec['classes'])} classes in {len(spec['bounds'])} buckets")
        else:
            from strokecast.features import forecast

            spec = forecast.preprocess(paths.VALIDATED / "series", paths.PROCESSED / task, settings.forecast)
            told = ", ".join(f"{split['windows']:,} {name}" for name, split in spec["splits"].items())
            outcome(f"{told} windows of {spec['window']} + {spec['horizon']} days of {spec['name']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
