"""Weighted means of classifiers' probabilities, and weights that validation drawings choose.

The mean of probabilities, the linear opinion pool, is never worse in log loss than the mean of its members' log losses
(Stone, 1961, https://doi.org/10.1214/aoms/1177704873; Lakshminarayanan et al., 2017, https://arxiv.org/abs/1612.01474).

Shapes: M members, N drawings, K classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
_STEPS = 500  # of the EM algorithm, at most
_TOLERANCE = 1e-10  # nats


def fit_weights(probabilities: Floats, labels: Ints, method: str) -> Floats:
    """The weights of the members.

    Args:
        probabilities: [M, N, K].
        labels: [N], class numbers.
        method: `equal`, or `log_loss`: the weights with the lowest log loss, by the EM algorithm for the weights of a
            mixture. The log loss is convex in the weights, so its minimum is a global one.

    Returns:
        float64 [M], at least 0, with the sum 1.
    """
    members = len(probabilities)
    weights = np.full(members, 1.0 / members)
    if method == "equal":
        return weights
    own = probabilities[:, np.arange(len(labels)), labels]  # [M, N], of the true class
    own = np.maximum(own, np.finfo(np.float64).tiny)
    loss = np.inf
    for _ in range(_STEPS):
        joint = weights[:, None] * own  # [M, N]
        total = joint.sum(axis=0)
        before, loss = loss, -float(np.log(total).mean())
        if before - loss < _TOLERANCE:
            break
        weights = (joint / total).mean(axis=1)
    return weights


def held_out_probabilities(probabilities: Floats, labels: Ints, method: str) -> Floats:
    """The probabilities of an ensemble for each drawing, with weights from the other folds.

    Args:
        probabilities: [M, N, K].
        labels: [N].
        method: as `fit_weights`.

    Returns:
        float64 [N, K].
    """
    fold = np.arange(len(labels)) % FOLDS
    combined = np.empty(probabilities.shape[1:])
    for number in range(FOLDS):
        others, own = fold != number, fold == number
        weights = fit_weights(probabilities[:, others], labels[others], method)
        combined[own] = np.einsum("m,mnk->nk", weights, probabilities[:, own])
    return combined
