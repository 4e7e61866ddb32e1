"""Stage `params`: params.yaml → `data/params/`, the settings of each stage with all defaults filled in."""

from strokecast.common import files, paths
from strokecast.common.stage import stage


def main() -> None:
    """Check params.yaml and write one settings file per stage."""
    with stage("params", "checking params.yaml and filling in the defaults") as outcome:
        from strokecast import params
        from strokecast.models.common import resolve
        from strokecast.params import TASKS, references
        from strokecast.params.stages import write_stages

        if warning := references.holiday_warning(params.load()):
            print(f"[params] warning: {warning}", flush=True)
        settings = resolve.load()
        with files.new_folder(paths.SETTINGS) as folder:
            write_stages(folder, settings)
        for task in TASKS:  # so that `models/<task>` exists without models: DVC stops at a missing dependency
            files.write_json(paths.MODELS / task / "task.json", {"task": task})
        entries = [entry for task in TASKS for entry in settings.entries(task).values()]
        enabled = [entry for entry in entries if entry.enabled]
        trainings = sum(len(entry.seeds) for entry in enabled)
        line = f"{trainings} trainings of {len(enabled)} models; {len(entries) - len(enabled)} models are off"
        skipped = [task for task in TASKS if not settings.is_enabled(task)]
        outcome(line + (f"; skipped, because no model is enabled: {', '.join(skipped)}" if skipped else ""))


if __name__ == "__main__":
    main()
