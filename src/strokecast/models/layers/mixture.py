"""Mixture density of the next pen move: bivariate normal distributions, and three pen states.

Sources: Graves, 2013, https://arxiv.org/abs/1308.0850, section 4.1; Ha and Eck, 2017,
https://arxiv.org/abs/1704.03477, equations 3 to 6.

A network outputs 6M + 3 raw values per step: 3 logits of the pen (down, up, end), then M each of weight logits, mean
of dx, mean of dy, log standard deviation of dx, log standard deviation of dy, and correlation before tanh.

Shape legend: ... any leading axes, M mixture components, B batch, T padded points.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import ops

LOG_DEVIATION = (-6.0, 6.0)  # clipping range of log standard deviations; bounds the density
CORRELATION = 0.99  # maximum absolute correlation; at 1 there is no density


class Mixture(NamedTuple):
    """Parameters of one density per step.

    Attributes:
        pen: float [..., 3], logits of down, up, end.
        weight: float [..., M], logits of the component weights.
        mean_x, mean_y: float [..., M].
        log_dev_x, log_dev_y: float [..., M], log standard deviations.
        correlation: float [..., M], within (-1, 1).
    """

    pen: Any
    weight: Any
    mean_x: Any
    mean_y: Any
    log_dev_x: Any
    log_dev_y: Any
    correlation: Any


def split(raw: Any) -> Mixture:
    """Split raw outputs float [..., 6M + 3] into the parameters of a `Mixture`.

    Unlike in the paper, log standard deviations are clipped to `LOG_DEVIATION` and correlations scaled to
    `CORRELATION`: moves of exactly 0 are common, and the density there would grow without bound.
    """
    pen, rest = raw[..., :3], raw[..., 3:]
    weight, mean_x, mean_y, dev_x, dev_y, correlation = ops.split(rest, 6, axis=-1)
    dev_x, dev_y = (ops.clip(dev, *LOG_DEVIATION) for dev in (dev_x, dev_y))
    return Mixture(pen, weight, mean_x, mean_y, dev_x, dev_y, CORRELATION * ops.tanh(correlation))


def log_density(mixture: Mixture, move: Any) -> Any:
    """Log density of moves under their mixtures, by log-sum-exp over the components.

    Args:
        mixture: with leading axes [...].
        move: float [..., 2], (dx, dy).

    Returns:
        float [...], in nats.
    """
    x = (move[..., 0:1] - mixture.mean_x) * ops.exp(-mixture.log_dev_x)  # [..., M]
    y = (move[..., 1:2] - mixture.mean_y) * ops.exp(-mixture.log_dev_y)
    one_minus_rho2 = 1.0 - ops.square(mixture.correlation)
    distance = (ops.square(x) + ops.square(y) - 2.0 * mixture.correlation * x * y) / one_minus_rho2
    log_normal = -0.5 * (distance + ops.log(one_minus_rho2)) - mixture.log_dev_x - mixture.log_dev_y
    log_weight = mixture.weight - ops.logsumexp(mixture.weight, axis=-1, keepdims=True)
    return ops.logsumexp(log_weight + log_normal, axis=-1) - math.log(2.0 * math.pi)


def step_losses(target: Any, raw: Any) -> tuple[Any, Any]:
    """Negative log-likelihoods per step, of the move and of the pen state.

    Args:
        target: float [B, T + 1, 5], stroke-5.
        raw: float [B, T + 1, 6M + 3].

    Returns:
        (L_s, L_p), float [B, T + 1] each, in nats. L_s is 0 at the end step and after it, L_p after the end step.
        Output and target at these steps do not affect the result.
    """
    mixture = split(raw)
    ended = ops.cumsum(target[:, :, 4], axis=1)
    is_point = ended < 0.5
    is_step = ended - target[:, :, 4] < 0.5  # a point or the end
    moves = ops.where(is_point[:, :, None], target[:, :, :2], 0.0)
    log_pen = mixture.pen - ops.logsumexp(mixture.pen, axis=-1, keepdims=True)
    pen = -ops.sum(target[:, :, 2:] * log_pen, axis=-1)
    return ops.where(is_point, -log_density(mixture, moves), 0.0), ops.where(is_step, pen, 0.0)


def reconstruction(target: Any, raw: Any) -> Any:
    """Reconstruction loss L_R = L_s + L_p per drawing, divided by its number of steps (its points and the end).

    The paper divides by N_max, the length of the longest drawing of the data set. Here each drawing has the same
    weight, and the unit is nats per step.

    Args:
        target: float [B, T + 1, 5], stroke-5.
        raw: float [B, T + 1, 6M + 3].

    Returns:
        float [B].
    """
    moves, pens = step_losses(target, raw)
    steps = ops.sum(ops.cast(ops.cumsum(target[:, :, 4], axis=1) - target[:, :, 4] < 0.5, "float32"), axis=1)
    return ops.sum(moves + pens, axis=1) / steps
