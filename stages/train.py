"""Stage `train-<task>@<name>`: processed data → `models/<task>/<name>`, each training live on the board."""

import sys
from contextlib import ExitStack

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.errors import UserError
from strokecast.common.stage import stage


def main(task: str, name: str) -> None:
    """Train the model `name` of `task`, once a seed, or note that it is switched off."""
    with stage(f"train-{task}@{name}", f"training {name}") as outcome, ExitStack() as begun:
        settings = params.load()
        entries, home = settings.entries(task), paths.MODELS / task / name
        if name not in entries:
            where = f"params.yaml: models.{task}"
            raise UserError(f"no model {name!r}", where=where, allowed=", ".join(entries))
        entry, recipe, general = entries[name], settings.recipe(task, name), settings.training
        if not entry.enabled:
            with files.new_folder(home) as whole:
                files.write_json(whole / "run.json", {"status": "off", "task": task, "name": name})
            outcome("switched off in params.yaml")
            return
        from strokecast.features.records import spec as specs
        from strokecast.models.common import registry
        from strokecast.tracking import live
        from strokecast.training import checkpoint, guards, run

        network = registry.get(task, name).kind == "network"
        config = registry.config(task, name, entry.config).model_dump(mode="json")
        told, code = recipe.model_dump(mode="json") if network else None, checkpoint.code_digest(task, name)
        spec, job = specs.load(paths.PROCESSED / task, task), (task, name, entry.config, recipe)
        trained, lines = [], []
        with files.new_folder(home) as whole:
            for seed in entry.seeds:
                below = "" if seed == entry.seeds[0] else f"seed-{seed}"
                folder = whole / below
                folder.mkdir(exist_ok=True)
                training = begun.enter_context(live.begin(task, name, seed, below, config, told, spec, code))
                try:
                    facts = run.train(*job, seed, folder, general, training.epoch, training.record)
                except guards.TrainingError as failure:
                    if general.on_failure == "stop":
                        raise
                    training.give_up(folder, str(failure))
                    lines.append(f"failed: {failure}")
                    continue
                training.finish(folder, facts)
                trained.append((training, home / below))
                lines.append(live.summary(facts))
        for training, folder in trained:
            training.settle(folder)
        outcome("; ".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
