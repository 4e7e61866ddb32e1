"""Stage `train-<task>@<name>`: processed data → `models/<task>/<name>/seed-<n>`, one live MLflow run per training."""

import sys
from contextlib import ExitStack

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.stage import stage


def main(task: str, name: str) -> None:
    """Train the model once per seed, or record that it is switched off."""
    outputs = [paths.MODELS / task / name]
    with (
        stage(f"train-{task}@{name}", f"training {name}", outputs) as outcome,
        ExitStack() as stack,
    ):
        settings = params.read_stage(f"train-{task}/{name}")
        entry = settings.entries(task)[name]
        if not entry.enabled:
            with files.new_folder(paths.MODELS / task / name) as staging_dir:
                files.write_json(staging_dir / "run.json", {"status": "off", "task": task, "name": name})
            outcome("switched off in params.yaml")
            return
        from strokecast.features.records import spec as specs
        from strokecast.tracking.tracked_run import TrackedRun, summary
        from strokecast.training import distillation, guards, run, workers
        from strokecast.training.job import TrainingJob

        spec, recipe = specs.load(paths.PROCESSED / task, task), settings.recipe(task, name)
        config = entry.architecture_config
        digest = distillation.data_digest(task, config, spec["digest"])
        jobs = [
            TrainingJob.create(task, name, seed, config, recipe, digest, settings.runtime)
            for seed in entry.seeds
        ]
        distribute = stack.enter_context(workers.led(settings.runtime))
        trained, summaries = [], []
        with files.new_folder(paths.MODELS / task / name) as staging_dir:
            for job in jobs:
                folder = staging_dir / job.model_dir.name
                tracked = stack.enter_context(TrackedRun.start(job, spec))
                if finished := tracked.restore(folder):
                    trained.append((tracked, job.model_dir))
                    summaries.append(f"{summary(finished)}, finished in an earlier run")
                    continue
                folder.mkdir()
                try:
                    result = run.train(
                        job, folder, tracked.log_epoch, tracked.checkpoint_dir, distribute=distribute
                    )
                except guards.TrainingError as failure:
                    if settings.training.on_failure == "stop":
                        raise
                    tracked.mark_failed(folder, str(failure))
                    summaries.append(f"failed: {failure}")
                    continue
                tracked.finish(folder, result)
                trained.append((tracked, job.model_dir))
                summaries.append(summary(result))
        for tracked, model_dir in trained:
            tracked.finalize(model_dir)
        outcome("; ".join(summaries))


if __name__ == "__main__":
    main(*sys.argv[1:])
