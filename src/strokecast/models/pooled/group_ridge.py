"""Sparse ridge regression with one penalty per group of columns, estimated from the data, and robust to outliers.

The penalties maximise the evidence: a group that explains nothing gets a large one (automatic relevance determination).
Outliers count less, as in Huber's loss: the fit is repeated with smaller weights for large residuals.

Source: MacKay, 1992, "Bayesian interpolation", https://doi.org/10.1162/neco.1992.4.3.415.

Shapes: n days, K columns, G groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.models.pooled.robust import huber_weights, robust_std

Floats = NDArray[np.float64]

_UNPENALISED = 1e-6
_MIN_VARIANCE, _MAX_VARIANCE = 1e-8, 1e6
_FIRST_VARIANCE = 0.1  # where the search for the variances starts
_SCALE_DAYS = 3000  # last days whose residuals give the scale of outliers


@dataclass(frozen=True)
class GroupRidge:
    """A fitted regression.

    Attributes:
        coefficients: group → float64 [K of the group].
        variances: group → prior variance of its coefficients in units of the noise's; the penalty is its inverse.
    """

    coefficients: Mapping[str, Floats]
    variances: Mapping[str, float]

    def predict(self, groups: Mapping[str, Any], without: str = "") -> Floats:
        """Sum over the groups but `without`: float64 [n]."""
        parts = [groups[name] @ values for name, values in self.coefficients.items() if name != without]
        total: Floats = np.sum(parts, axis=0)
        return total


def fit(
    groups: Mapping[str, Any],
    target: Floats,
    weights: Floats,
    variances: Mapping[str, float] | None,
    unpenalised: str,
    evidence_steps: int = 5,
    robust_steps: int = 2,
) -> GroupRidge:
    """Fit the regression.

    Args:
        groups: group → sparse matrix [n, K].
        target: float64 [n].
        weights: float64 [n].
        variances: of an earlier fit, to keep; None: estimate them.
        unpenalised: the group without a penalty.
        evidence_steps: fixed-point steps of the variances per robust step.
        robust_steps: repetitions with smaller weights for large residuals.
    """
    from scipy.sparse import hstack

    names = [name for name in groups if variances is None or name in variances]
    sizes = [groups[name].shape[1] for name in names]
    design = hstack([groups[name] for name in names]).tocsr()
    group = np.repeat(np.arange(len(names)), sizes)  # [K]
    used = np.flatnonzero(np.asarray(abs(design).sum(axis=0)).ravel() > 1e-9)
    design, group_used = design[:, used], group[used]
    variance = np.array([(variances or {}).get(name, _FIRST_VARIANCE) for name in names])
    free = names.index(unpenalised)
    row_weights, beta = weights, np.zeros(len(used))
    for _ in range(robust_steps + 1):
        weighted = design.multiply(row_weights[:, None]).tocsr()
        gram = (design.T @ weighted).toarray(order="F")
        moment = weighted.T @ target
        if variances is None:
            total = float(row_weights @ target**2)
            variance = _maximise_evidence(
                gram, moment, total, float(row_weights.sum()), group_used, variance, free, evidence_steps
            )
        beta, _ = _solve(gram, moment, _penalty(variance, group_used, free))
        residual = target - design @ beta
        row_weights = huber_weights(weights, residual, robust_std(residual[-_SCALE_DAYS:]))
    coefficients = np.zeros(len(group))
    coefficients[used] = beta
    by_group = np.split(coefficients, np.cumsum(sizes)[:-1])
    return GroupRidge(
        dict(zip(names, by_group, strict=True)), dict(zip(names, map(float, variance), strict=True))
    )


def _penalty(variance: Floats, group: NDArray[np.int64], free: int) -> Floats:
    return np.where(group == free, _UNPENALISED, 1 / variance[group])


def _solve(gram: Floats, moment: Floats, penalty: Floats) -> tuple[Floats, Floats]:
    """Coefficients, and the lower Cholesky factor of the penalised normal equations."""
    from scipy.linalg import cho_solve, cholesky

    matrix = gram.copy(order="F")  # LAPACK's order: decomposed in place
    matrix[np.diag_indices_from(matrix)] += penalty
    factor = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve((factor, True), moment, check_finite=False), factor


def _maximise_evidence(
    gram: Floats,
    moment: Floats,
    total: float,
    rows: float,
    group: NDArray[np.int64],
    variance: Floats,
    free: int,
    steps: int,
) -> Floats:
    """The variances after MacKay's fixed-point steps."""
    from scipy.linalg.lapack import dtrtri

    variance = variance.copy()
    for _ in range(steps):
        penalty = _penalty(variance, group, free)
        beta, factor = _solve(gram, moment, penalty)
        inverse, _ = dtrtri(factor, lower=1, overwrite_c=1)
        # The diagonal of the inverse of the penalised normal equations.
        posterior = np.einsum("ij,ij->j", inverse, inverse)
        effective = len(beta) - float(penalty @ posterior)
        squares = total - 2 * beta @ moment + beta @ gram @ beta
        noise = max(float(squares), 1e-12 * total, 1e-12) / max(rows - effective, 1.0)
        for index in range(len(variance)):
            members = group == index
            if index == free or not members.any():
                continue
            determined = members.sum() - posterior[members].sum() / variance[index]
            ratio = float((beta[members] ** 2).sum()) / noise / max(float(determined), 1e-9)
            variance[index] = min(max(ratio, _MIN_VARIANCE), _MAX_VARIANCE)
    return variance
