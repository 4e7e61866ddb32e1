"""Stage `judge`: the classifier that judges generated drawings → `models/judge`."""

import shutil

from strokecast import params
from strokecast.common import files, paths
from strokecast.common.stage import stage


def main() -> None:
    """Copy the first training of `draw.judge`, or record that no model draws."""
    description = "copying the classifier that judges generated drawings"
    with stage("judge", description, [paths.JUDGE]) as outcome:
        settings = params.read_stage("judge")
        name = settings.draw.judge
        with files.new_folder(paths.JUDGE) as folder:
            if any(entry.enabled for entry in settings.entries("draw").values()):
                seed = settings.entries("classify")[name].seeds[0]
                trained = paths.model_dir("classify", name, seed)
                shutil.copytree(trained, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("pyfunc"))
                outcome(f"{name}, seed {seed}")
            else:
                files.write_json(folder / "run.json", {"status": "off", "task": "classify", "name": name})
                outcome("no model of draw is switched on")


if __name__ == "__main__":
    main()
