"""Stage `preprocess@<task>`: accepted rows → TFRecords and `spec.json`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.stage import stage
from strokecast.features.records.spec import PaddedSpec
from strokecast.params.stages import is_skipped

DESCRIPTIONS = {"watch": "rendering drawings as videos", "forecast": "cutting the series into windows"}


def main(task: str) -> None:
    """Write `data/processed/<task>`."""
    description = DESCRIPTIONS.get(task, "scaling and padding drawings by length")
    with stage(f"preprocess@{task}", description, [paths.PROCESSED / task]) as outcome:
        settings = params.read_stage(f"preprocess-{task}")
        if is_skipped(settings):
            with files.new_folder(paths.PROCESSED / task) as folder:
                files.write_json(folder / "skipped.json", {"status": "off", "task": task})
            outcome(f"skipped: no model of {task} is enabled")
            return
        outcome(_preprocess(task, settings, paths.PROCESSED / task))


def _preprocess(task: str, settings: params.Params, processed: Path) -> str:
    """Write `processed`; returns the outcome in one line."""
    if task == "forecast":
        from strokecast.features.timeseries import forecast

        spec = forecast.preprocess(paths.VALIDATED / "series", processed, settings.features.forecast)
        if "selection" in spec:
            from strokecast.features.timeseries import selection

            print(f"[preprocess@forecast] {selection.describe(spec['selection'])}", flush=True)
        if "residual" in spec:
            from strokecast.features.timeseries import residual_choice

            print(f"[preprocess@forecast] {residual_choice.describe(spec['residual'])}", flush=True)
        counts = {split: days["windows"] for split, days in spec["splits"].items()}
        series = f"{len(spec['series'])} series" if "series" in spec else spec["name"]
        return f"{_join(counts)} windows of {spec['input_size']} + {spec['horizon']} days of {series}"
    sketches, runner = paths.VALIDATED / "sketches", settings.preprocess
    if task == "classify":
        from strokecast.features.sketches import classify

        classify_spec = classify.preprocess(sketches, processed, settings.features.classify, runner)
        return f"{_describe(classify_spec)}, longer ones cropped"
    if task == "watch":
        from strokecast.features.sketches import watch

        watch_spec = watch.preprocess(sketches, processed, settings.features.watch, runner)
        frames = f"{watch_spec['frames']} frames of {watch_spec['height']} x {watch_spec['width']} pixels"
        return f"{_join(watch_spec['counts'])} videos of {frames}"
    from strokecast.features.sketches import draw

    draw_spec = draw.preprocess(sketches, processed, settings.features.draw, runner)
    return f"{_describe(draw_spec)}, {sum(draw_spec['left_out'].values()):,} longer ones left out"


def _describe(spec: PaddedSpec) -> str:
    counts = {split: sum(buckets.values()) for split, buckets in spec["counts"].items()}
    lengths = ", ".join(map(str, spec["bucket_boundaries"]))
    return f"{_join(counts)} drawings of {len(spec['classes'])} classes, padded to {lengths} points"


def _join(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
