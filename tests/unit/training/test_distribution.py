"""Trainings on two logical devices against the same on one, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import json, sys
from pathlib import Path
from strokecast.common.import_hiding import start_tensorflow
start_tensorflow()
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from strokecast.params import RECIPES, Runtime
from strokecast.training import run
from strokecast.training.job import TrainingJob
processed, folder = map(Path, sys.argv[1:])
common = {"warmup_epochs": 1, "augment_scale": 0.0}
no_rotation = {**common, "augment_rotation": 0.0}
trainings = {
    "classify/gru": ({"units": 6, "layers": 1, "dropout": 0.0, "directions": False},
                     {**no_rotation, "augment_jitter": 0.0, "augment_drop": 0.0, "epochs": 5, "batch_size": 10,
                      "global_clipnorm": 0.5, "weight_averaging": "ema"}),
    "watch/frame_average": ({"dropout": 0.0, "norm": "none"}, {**no_rotation, "augment_shift": 0.0, "epochs": 5, "batch_size": 7}),
    "draw/class_decoder": ({"units": 8, "dropout": 0.0},
                           {**common, "epochs": 5, "batch_size": 10, "global_clipnorm": 0.5}),
    "forecast/lstm": ({"units": 6},
                      {"warmup_epochs": 1, "epochs": 9, "batch_size": 15, "global_clipnorm": 0.1}),
}
curves = {}
for model, (config, recipe) in trainings.items():
    task, name = model.split("/")
    curves[model] = []
    for devices in (1, 2):
        runtime = Runtime(device="cpu", devices=devices, threads=1)
        job = TrainingJob.create(task, name, 5, config, RECIPES[task].model_validate(recipe), runtime=runtime)
        out, rows = folder / f"{task}-{devices}", []
        out.mkdir()
        facts = run.train_network(job, processed / task, out, rows.append, calibrate=False)
        curves[model].append({"rows": rows, "replicas": facts.get("replicas", 1)})
print(json.dumps(curves))
"""


@pytest.mark.slow
def test_two_devices_train_like_one(processed_data: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(processed_data), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    curves = json.loads(done.stdout.splitlines()[-1])
    assert len(curves) == 4
    for model, (one, two) in curves.items():
        assert (one["replicas"], two["replicas"]) == (1, 2), model
        assert one["rows"][-1]["step"] >= 50, model
        assert one["rows"][-1]["train_loss"] != one["rows"][0]["train_loss"], model
        for row, other in zip(one["rows"], two["rows"], strict=True):
            for key in ("train_loss", "valid_loss"):
                assert other[key] == pytest.approx(row[key], abs=1e-4), (model, row["epoch"], key)
