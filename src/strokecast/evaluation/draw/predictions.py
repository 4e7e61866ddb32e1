"""Likelihoods and generated drawings of every model of draw. Only this module opens draw's test split.

Shapes: B drawings of a batch, K classes, S generated drawings per class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from strokecast.common.console import progress
from strokecast.common.errors import UserError
from strokecast.evaluation.common.predictions import require_finite
from strokecast.evaluation.common.ranking import Key
from strokecast.evaluation.common.trained_models import TrainedModel, TrainedModels, check_same_data
from strokecast.evaluation.draw.grids import COLUMNS, generate_grids
from strokecast.evaluation.draw.judge import Judge
from strokecast.evaluation.draw.metrics import GenerationResult, Likelihood, RealDrawings
from strokecast.features.records import reading
from strokecast.features.records.spec import DrawSpec
from strokecast.inference import networks, sampling
from strokecast.params import DrawEvaluation

_BATCH = 128


def generate_and_judge(
    trained_models: TrainedModels, processed: Path, spec: DrawSpec, settings: DrawEvaluation, judge: Judge
) -> tuple[RealDrawings, list[str], dict[Key, GenerationResult]]:
    """Compute likelihoods, generate drawings and let the judge label them.

    Returns:
        The test drawings; the judge's class per test drawing; (name, seed) → result of that trained model.

    Raises:
        UserError: if a model was trained on other data, cannot be read, or its outputs are not finite.
    """
    check_same_data(trained_models.finished, spec["digest"])
    test = _read_test_drawings(processed, spec)
    real_predicted = judge.predict(test.strokes, spec["scale"])
    results = {
        model.key: _evaluate_model(model, processed, spec, settings, test, judge)
        for model in progress(trained_models.finished, "drawing", len(trained_models.finished), "training")
    }
    return test, real_predicted, results


def _evaluate_model(
    model: TrainedModel,
    processed: Path,
    spec: DrawSpec,
    settings: DrawEvaluation,
    test: RealDrawings,
    judge: Judge,
) -> GenerationResult:
    network = networks.load_network(model.folder)
    infer = networks.inference_function(network)
    valid, tested = (likelihood(network, infer, model, processed, spec, split) for split in ("valid", "test"))
    k = len(spec["classes"])
    conditional = sampling.is_conditional(network)
    labels: Any = np.repeat(np.arange(k), settings.samples) if conditional else k * COLUMNS
    drawings = sampling.sample(network, labels, settings.temperature, settings.seed, spec["max_points"])
    judge_drawings = partial(judge.predict, scale=spec["scale"])
    predicted = judge_drawings(drawings) if conditional else None
    grids = generate_grids(network, model.name, drawings, predicted, test, spec, settings, judge_drawings)
    return GenerationResult(valid, tested, predicted, grids)


def likelihood(
    network: Any,
    infer: Callable[[dict[str, Any]], Any],
    model: TrainedModel,
    processed: Path,
    spec: DrawSpec,
    split: str,
) -> Likelihood:
    """Likelihood of all drawings of a split, in the order of its files.

    Args:
        network: of draw.
        infer: its `networks.inference_function`.
        model: the trained model, for errors.
        processed: `data/processed/draw`.
        spec: its spec.json.
        split: `valid` or `test`.

    Raises:
        UserError: if an output is not finite.
    """
    from strokecast.models.layers.mixture import reconstruction

    latent_size = sampling.latent_size(network) or 0
    input_names = list(networks.input_signature(network))
    losses, divergences, steps = [], [], []
    for inputs, target, _ in reading.batches(processed, spec, split, _BATCH, input_names):
        output = infer(inputs)
        losses.append(reconstruction(target, output["mixture"]).numpy())  # [B]
        steps.append(inputs["length"].numpy() + 1)  # the points and the end
        divergences.append(output["kl"].numpy() if "kl" in output else np.zeros_like(losses[-1]))
    kl_latent = require_finite(np.concatenate(divergences).astype(np.float64), model)
    return Likelihood(
        require_finite(np.concatenate(losses).astype(np.float64), model),
        kl_latent * latent_size / np.concatenate(steps),
        kl_latent,
    )


def _read_test_drawings(processed: Path, spec: DrawSpec) -> RealDrawings:
    labels: list[Any] = []
    strokes: list[Any] = []
    for inputs, _, _ in reading.batches(processed, spec, "test", 1024):
        labels.append(inputs["label"].numpy())
        padded: Sequence[Any] = inputs["strokes"].numpy()
        strokes += [row[:end] for row, end in zip(padded, inputs["length"].numpy(), strict=True)]
    if not strokes:
        raise UserError("the test split has no drawings", location=str(processed))
    return RealDrawings(np.concatenate(labels).astype(np.int64), strokes)
