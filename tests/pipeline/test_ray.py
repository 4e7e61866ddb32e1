"""`--executor ray` on a cluster of this machine: outputs and searches as alone, also if a node dies in a training."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from strokecast.commands import ray_cluster, ray_gateway, ray_stage, ray_task
from strokecast.common.errors import UserError
from strokecast.common.files import digest_tree
from strokecast.params.runtime import RayParams

pytestmark = pytest.mark.slow

MODEL = Path("models/classify/gru/seed-1")


def use_checkpoints(values: Any) -> None:
    """A training with a checkpoint every other step, whose numbers do not depend on the processor's threads."""
    values["models"]["classify"]["gru"] = {
        "enabled": True,
        "config": {"units": 8, "layers": 1, "dropout": 0.3},
        "training": {"epochs": 60, "batch_size": 16, "checkpoint_steps": 2, "deterministic": True},
    }


CLUSTER = """
import sys
from ray.cluster_utils import Cluster
small = {"object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small})
for _ in range(2):
    cluster.add_node(num_cpus=1, **small)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@contextlib.contextmanager
def started_cluster() -> Iterator[str]:
    """Address of a cluster: a head node without processors and two nodes with one each. Its process is not this one, which other tests fork."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("the extra `ray` is not installed")
    # A busy machine starts the processes of a node slowly, and leaves next to no time to tasks with Ray's nice value of 15.
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": "120000",
        "RAY_worker_niceness": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER],
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = next((line.strip() for line in process.stdout if line.startswith(("1", "["))), "")
    assert address
    try:
        yield address
    finally:
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A cluster of all tests that kill no node."""
    with started_cluster() as address:
        yield address


@pytest.fixture
def cluster_to_kill() -> Iterator[str]:
    """A cluster of one test."""
    with started_cluster() as address:
        yield address


def weights(project: Any) -> bytes:
    """The weights of the trained network."""
    with zipfile.ZipFile(project.root / MODEL / "model.keras") as archive:
        return archive.read("model.weights.h5")


def trial_of(project: Any, epoch: int) -> psutil.Process | None:
    """The process of a trial, once the search has logged so many epochs of one trial."""
    path = project.root / "mlruns/mlflow.db"
    with contextlib.closing(sqlite3.connect(path)) as board:
        query = "SELECT MAX(step) FROM metrics WHERE key = 'valid/accuracy' AND run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'strokecast.trial')"
        (step,) = board.execute(query).fetchone()
    if (step or 0) < epoch:
        return None
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command[1:3] == ["-m", "strokecast.tuning.trial_process"] and process.cwd() == str(project.root):
            return process
    return None


def training(project: Any) -> psutil.Process | None:
    """The process that trains in the project, once there is a checkpoint of the second epoch."""
    names = [path.stem for path in (project.root / ".strokecast/trainings").glob("*/checkpoint-*.npz")]
    if max((int(name.split("-")[1]) for name in names), default=0) < 2:
        return None
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []  # that of `ray_stage` names the script, too
        if command[1:2] == ["stages/train.py"] and process.cwd() == str(project.root):
            return process
    return None


def test_a_training_goes_on_elsewhere_if_its_node_dies(
    project: Any, cluster_to_kill: str, tmp_path: Path
) -> None:
    project.edit_params(use_checkpoints)
    alone = project.copy(tmp_path / "alone" / "strokecast")
    alone.run("strokecast", "repro")
    running = project.popen(
        *("strokecast", "repro", "--executor", "ray", "--address", cluster_to_kill),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    deadline = time.monotonic() + 240
    while (process := training(project)) is None and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if process is None:
        running.kill()
        pytest.fail(running.communicate()[0])
    raylet = process.parent().parent()
    assert raylet.name() == "raylet"
    for one in (raylet, *raylet.children(recursive=True)):  # as if the machine lost its power
        one.kill()
    killed_ms = time.time() * 1000
    output = running.communicate(timeout=400)[0]
    assert running.returncode == 0, output
    assert "Ray: 3 nodes" in output
    assert output.count("[train-classify@gru] training gru") == 2, output
    assert not process.is_running()
    assert weights(project) == weights(alone)
    histories = [(one.root / MODEL / "history.csv").read_text().splitlines() for one in (project, alone)]
    assert int(histories[0][1].split(",")[2]) < killed_ms, "the first epoch was not trained again"
    columns = [[line.split(",")[:2] + line.split(",")[4:] for line in history] for history in histories]
    assert columns[0] == columns[1]
    entries = [{name: (stage["cmd"], sorted(d["path"] for d in stage["deps"])) for name, stage in one.lock().items()}
               for one in (project, alone)]  # fmt: skip
    assert entries[0] == entries[1]
    assert project.repro() == ["sync"]
    run = json.loads((project.root / MODEL / "run.json").read_text())
    assert run["training_id"] in project.board()  # which fails if it is there twice


def test_a_search_on_the_cluster_finds_what_one_process_finds(
    project: Any, cluster: str, tmp_path: Path
) -> None:
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
    project.edit_params(use_checkpoints)
    alone = project.copy(tmp_path / "alone" / "strokecast")
    command = ("strokecast", "tune", "--task", "classify", "--model", "gru", "--epochs", "6")
    grid = ("--sampler", "grid", "--only", "config.units", "--pruner", "none")
    space = tmp_path / "space.yaml"
    space.write_text("config: {units: [4, 8]}\n")
    options = (*command, *grid, "--space", str(space))
    alone.run(*options)
    running = project.popen(
        *options, "--executor", "ray", "--address", cluster, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 240
    process = None
    while process is None and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        process = trial_of(project, epoch=2)
    if process is None:
        running.kill()
        pytest.fail(running.communicate()[0])
    process.parent().kill()  # Ray's worker: the trial starts again
    output = running.communicate(timeout=400)[0]
    assert running.returncode == 0, output
    assert "up to 2 trials at a time" in output
    assert not process.is_running()
    searches = [json.loads((one.root / "searches/classify-gru.json").read_text()) for one in (project, alone)]
    found = [sorted((str(trial["values"]), trial["score"]) for trial in one["trials"]) for one in searches]
    assert len(found[0]) == 2
    assert found[0] == found[1]
    assert list((project.root / ".strokecast").glob("ray-*.log")) == []


def test_an_interrupted_search_on_the_cluster_goes_on(project: Any, cluster: str) -> None:
    pytest.importorskip("optuna", reason="the extra `tune` is not installed")
    project.edit_params(use_checkpoints)
    command = (
        "strokecast",
        "tune",
        "--task",
        "classify",
        "--model",
        "gru",
        "--epochs",
        "6",
        "--sampler",
        "random",
    )
    command = (
        *command,
        "--trials",
        "2",
        "--only",
        "config.dropout",
        "--executor",
        "ray",
        "--address",
        cluster,
    )
    running = project.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 240
    while (
        (process := trial_of(project, epoch=2)) is None
        and running.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert process is not None, running.communicate()[0]
    running.send_signal(signal.SIGINT)
    output = running.communicate(timeout=120)[0]
    assert running.returncode == 1, output
    assert output.rstrip().endswith("Aborted!"), output
    assert "Traceback" not in output
    psutil.wait_procs([process], timeout=30)
    assert not process.is_running()
    output = project.run(*command).stdout
    assert "2 trials, best validation accuracy" in output
    search = json.loads((project.root / "searches/classify-gru.json").read_text())
    assert [trial["state"] for trial in search["trials"]].count("failed") == 0
    assert len({str(trial["values"]) for trial in search["trials"]}) == len(search["trials"]) == 2


def test_preprocessing_on_the_cluster_writes_the_same_bytes(project: Any, cluster: str) -> None:
    stages = [f"preprocess@{task}" for task in ("classify", "watch", "draw")]
    before, digest = project.lock(), digest_tree(project.root / "data/processed")
    shutil.rmtree(project.root / "data/processed/classify")
    project.edit_params(lambda values: values.update(preprocess={"workers": 2}))
    output = project.run("strokecast", "repro", "--executor", "ray", "--address", cluster).stdout
    assert {f"[{stage}]" for stage in stages} <= set(re.findall(r"(?m)^\[\S+\]", output)), output
    assert "[train" not in output
    assert digest_tree(project.root / "data/processed") == digest
    after = project.lock()
    for stage in stages:
        assert after[stage]["deps"] != before[stage]["deps"], "the stage did not run"
        assert after[stage]["outs"] == before[stage]["outs"]


@pytest.fixture
def gateway(tmp_path: Path, cluster: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """The cluster as its gateway found it, and the variables of a stage in `tmp_path`."""
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    with ray_gateway.connected(cluster) as (found, path):
        yield found, {**os.environ, ray_stage.SOCKET: str(path), ray_stage.RESOURCES: '{"num_cpus": 1}'}


STAGE = [sys.executable, "-m", "strokecast.commands.ray_stage", sys.executable, "-u", "-c"]
WAITING = "import time\ntry:\n print('ready'); time.sleep(99)\nexcept KeyboardInterrupt:\n print('saved'); raise SystemExit(130)"


def test_a_failed_command_and_a_cancelled_one_keep_their_exit_codes_and_output(
    tmp_path: Path, gateway: tuple[Any, Any]
) -> None:
    _, variables = gateway
    for _ in range(2):  # the second one meets the worker of the first
        done = subprocess.run(
            [*STAGE, "print('first'); raise SystemExit('last')"],
            env=variables,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (1, "first\nlast\n", "")
    running = subprocess.Popen([*STAGE, WAITING], env=variables, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.terminate()
    assert running.communicate(timeout=60)[0] == "saved\n"
    assert running.returncode == 128 + 15
    assert list(tmp_path.rglob("ray-*.log")) == []


def test_a_stage_that_is_killed_frees_its_node(tmp_path: Path, gateway: tuple[Any, Any]) -> None:
    _, variables = gateway
    script = WAITING.replace("print('saved')", f"open({str(tmp_path / 'saved')!r}, 'w')")
    running = subprocess.Popen([*STAGE, script], env=variables, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 60
    while not (tmp_path / "saved").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (tmp_path / "saved").exists(), "the command still runs on its node"


def test_a_stage_whose_gateway_died_is_one_line(gateway: tuple[Any, Any]) -> None:
    variables = {**gateway[1], "DVC_STAGE": "train"}
    running = subprocess.Popen(
        [*STAGE, WAITING], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    (process,) = (
        child for child in psutil.Process().children() if "strokecast.commands.ray_gateway" in child.cmdline()
    )
    process.kill()
    errors = running.communicate(timeout=60)[1]
    assert running.returncode == 1
    assert "the cluster lost this stage: the connection to it ended; check the nodes" in errors
    assert len(errors.splitlines()) == 1
    later = subprocess.run([*STAGE, WAITING], env=variables, capture_output=True, text=True, timeout=60)
    assert (later.returncode, later.stderr) == (1, errors)


def test_the_cluster_must_see_the_folder_and_have_the_resources(
    tmp_path: Path, gateway: tuple[Any, Any]
) -> None:
    found, _ = gateway
    assert sorted(node["CPU"] for node in found.amounts) == [0, 1, 1]
    assert ray_cluster.check_resources(found, RayParams()) == 2
    with pytest.raises(
        UserError, match=r"runtime\.ray\.train\.num_gpus: a task asks for 1, and no node has more than 0"
    ):
        ray_cluster.check_resources(found, RayParams.model_validate({"train": {"num_gpus": 1}}))
    assert ray_task.run_command([sys.executable, "-c", ""], str(tmp_path / "missing"), {}, os.devnull) == 1


def test_a_stage_sees_the_gpus_that_ray_gives_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    output = tmp_path / "output"
    variables = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1", "NAME": "of the caller"}
    script = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['NAME'])"
    assert ray_task.run_command([sys.executable, "-c", script], str(tmp_path), variables, str(output)) == 0
    assert output.read_text() == "3 of the caller\n"


def test_a_stage_that_is_cancelled_twice_has_time_to_save(tmp_path: Path) -> None:
    output = tmp_path / "output"
    stage = "import time\ntry:\n print('ready', flush=True); time.sleep(99)\nexcept KeyboardInterrupt:\n time.sleep(3); print('saved')"
    script = (
        "import os, sys; from strokecast.commands.ray_task import run_command; "
        f"run_command([sys.executable, '-c', {stage!r}], {str(tmp_path)!r}, dict(os.environ), {str(output)!r})"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) as task:
        while not (output.is_file() and "ready" in output.read_text()):
            time.sleep(0.1)
        for _ in range(3):
            task.send_signal(signal.SIGINT)
            time.sleep(0.6)
    assert output.read_text() == "ready\nsaved\n"
