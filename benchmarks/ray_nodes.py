"""The trainings of a preset on two Ray nodes with one core each, beside one such node: seconds, and their ratio.

    python benchmarks/ray_nodes.py                      # the preset `tour`, 11 trainings
    python benchmarks/ray_nodes.py --models linear gru  # a smoke test: two of them

The nodes are on this machine (loopback). The processes of each run on one core alone, and TensorFlow has one thread. The
command itself and Ray's head process share the core of the first node. A project in a temporary folder has the preset's
models; the stages before the trainings run first. Then each measurement is the time of a complete
`strokecast repro --executor ray` in a copy of that project whose dvc.yaml ends with the trainings: start of the command,
its plan, the trainings, DVC's hashes and dvc.lock. Starting Ray's nodes is not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claims import conclude
from project import ROOT, preset_params, to_yaml

MIN_RATIO = 1.7
BEFORE = ("params", "code", "download", "validate", "preprocess")  # stages before the trainings
TRAININGS = ("train-classify", "train-watch", "train-draw", "train-forecast")
NODES = """
import os, sys
from ray.cluster_utils import Cluster

cores = [int(core) for core in sys.argv[1:]]
options = {"num_cpus": 1, "object_store_memory": 80_000_000}
os.sched_setaffinity(0, cores[:1])  # the processes of a node inherit it
cluster = Cluster(initialize_head=True, head_node_args={**options, "include_dashboard": False})
for core in cores[1:]:
    os.sched_setaffinity(0, [core])
    cluster.add_node(**options)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


def create_project(folder: Path, preset: str, models: Collection[str] | None) -> None:
    """A clone of this checkout with the preset's models, or those of `models`; runs the stages before the trainings."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    values = preset_params(preset)
    values["runtime"] = {"threads": 1}
    values["distil"] = {}
    for task, entries in values["models"].items():
        values["models"][task] = {
            name: entry
            for name, entry in entries.items()
            if name != "*" and entry["enabled"] and (models is None or name in models)
        }
    values["evaluation"] = {}
    values.pop("draw", None)
    (folder / "params.yaml").write_text(to_yaml(values), encoding="utf-8")
    (folder / "dvc.lock").unlink()
    end_pipeline_with(folder, BEFORE)
    run(folder, "strokecast", "repro", "--jobs", "2")
    end_pipeline_with(folder, (*BEFORE, *TRAININGS))


def end_pipeline_with(folder: Path, stages: Collection[str]) -> None:
    """Take all other stages out of dvc.yaml."""
    from strokecast.params.yaml_file import read_yaml

    values = read_yaml(ROOT / "dvc.yaml")
    kept = {name: stage for name, stage in values["stages"].items() if name in stages}
    (folder / "dvc.yaml").write_text(to_yaml({"vars": values["vars"], "stages": kept}), encoding="utf-8")


def run(folder: Path, *command: str, core: int | None = None) -> str:
    """Run a command in a project, on one core if `core` is given; returns its output.

    Raises:
        SystemExit: with its output if it fails.
    """
    scripts = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    pin = [] if core is None else ["taskset", "--cpu-list", str(core)]
    done = subprocess.run([*pin, *command], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def nodes(cores: Collection[int]) -> Iterator[str]:
    """A cluster with one node per core; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", NODES, *map(str, cores)],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_agent_register_timeout_ms": "120000"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    address = next((line.strip() for line in process.stdout if line[:1].isdigit()), None)
    if address is None:
        raise SystemExit("Ray's nodes did not start")
    try:
        yield address
    finally:
        process.communicate(timeout=60)


def measure(project: Path, cores: Collection[int]) -> tuple[float, list[tuple[str, float, float]]]:
    """Seconds of the complete command, and for each training its name, start and end in seconds from that of the command."""
    with tempfile.TemporaryDirectory() as parent, nodes(cores) as address:
        folder = Path(parent) / "strokecast"
        shutil.copytree(project, folder, symlinks=True)
        start = time.time()
        run(folder, "strokecast", "repro", "--executor", "ray", "--address", address, core=min(cores))
        seconds = time.time() - start
        records = [json.loads(path.read_text()) for path in folder.glob("models/*/*/seed-*/run.json")]
    return seconds, [interval(record, start) for record in records]


def interval(record: dict[str, Any], start: float) -> tuple[str, float, float]:
    """Name of a training, and its start and end in seconds from `start`, by its run.json."""
    return (
        f"{record['task']}/{record['name']}",
        record["started_ms"] / 1000 - start,
        record["ended_ms"] / 1000 - start,
    )


def main() -> None:
    """Make the project, measure one node and two, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--preset", default="tour")
    parser.add_argument("--models", nargs="*", help="names; default: all models of the preset")
    parser.add_argument(
        "--folder", type=Path, help="keeps the project, ready for the trainings, for the next run"
    )
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("this machine has one core; the comparison needs two")
    seconds = []
    with tempfile.TemporaryDirectory() as parent:
        project = (arguments.folder or Path(parent)).absolute() / "strokecast"
        if not project.exists():
            create_project(project, arguments.preset, arguments.models)
        for used in (cores[:1], cores):
            total, trainings = measure(project, used)
            seconds.append(total)
            print(f"{len(used)} nodes: {total:.1f} s, {len(trainings)} trainings")
            for name, start, end in sorted(trainings, key=lambda training: training[1]):
                print(f"    {name:<28} from {start:6.1f} s to {end:6.1f} s: {end - start:6.1f} s")
    ratio = seconds[0] / seconds[1]
    conclude([(f"two nodes are {ratio:.2f} times as fast as one (goal: {MIN_RATIO})", ratio >= MIN_RATIO)])


if __name__ == "__main__":
    main()
