"""Where the pen goes next, as a density: a mixture of bivariate normal distributions, and three pen states.

Sources: Graves, 2013, https://arxiv.org/abs/1308.0850, section 4.1; Ha and Eck, 2017,
https://arxiv.org/abs/1704.03477, equations 3 to 6.

A network gives 6M + 3 raw numbers a step: 3 logits of the pen (down, up, end), then M each of: weight
logits, mean of dx, mean of dy, log of the deviations of dx and dy, and the correlation before tanh.

Shapes: ... any leading axes, M mixtures.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import ops

LOG_DEVIATION = (-6.0, 6.0)  # what the logs are kept within: no point can be infinitely likely
CORRELATION = 0.99  # largest size of a correlation: 1 would leave no density


class Mixture(NamedTuple):
    """One density a step.

    Attributes:
        pen: float [..., 3], logits of down, up, end.
        weight: float [..., M], logits of the components.
        mean_x, mean_y: float [..., M].
        log_dev_x, log_dev_y: float [..., M], logs of the standard deviations.
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
    """The parts of raw numbers float [..., 6M + 3].

    Unlike the paper, logs of deviations are kept within `LOG_DEVIATION` and correlations within
    `CORRELATION`: moves that are exactly 0 are common, and would pull the density there to infinity.
    """
    pen, rest = raw[..., :3], raw[..., 3:]
    weight, mean_x, mean_y, dev_x, dev_y, correlation = ops.split(rest, 6, axis=-1)
    dev_x, dev_y = (ops.clip(dev, *LOG_DEVIATION) for dev in (dev_x, dev_y))
    return Mixture(pen, weight, mean_x, mean_y, dev_x, dev_y, CORRELATION * ops.tanh(correlation))


def log_density(mixture: Mixture, move: Any) -> Any:
    """Log of the density of moves under their mixtures, by log-sum-exp over the components.

    Args:
        mixture: with leading axes [...].
        move: float [..., 2], (dx, dy).

    Returns:
        float [...], in nats.
    """
    x = (move[..., 0:1] - mixture.mean_x) * ops.exp(-mixture.log_dev_x)  # [..., M]
    y = (move[..., 1:2] - mixture.mean_y) * ops.exp(-mixture.log_dev_y)
    rest = 1.0 - ops.square(mixture.correlation)
    distance = (ops.square(x) + ops.square(y) - 2.0 * mixture.correlation * x * y) / rest
    log_normal = -0.5 * (distance + ops.log(rest)) - mixture.log_dev_x - mixture.log_dev_y
    log_weight = mixture.weight - ops.logsumexp(mixture.weight, axis=-1, keepdims=True)
    return ops.logsumexp(log_weight + log_normal, axis=-1) - math.log(2.0 * math.pi)


def step_losses(target: Any, raw: Any) -> tuple[Any, Any]:
    """Negative log-likelihood of each step, the move's and the pen's.

    Args:
        target: float [B, T + 1, 5], stroke-5.
        raw: float [B, T + 1, 6M + 3].

    Returns:
        (L_s, L_p), float [B, T + 1] each, in nats. L_s is 0 where no point is (the end, and all that
        follows it); L_p is 0 on all that follows the end. What the network says there has no say, nor has
        the target.
    """
    mixture = split(raw)
    ended = ops.cumsum(target[:, :, 4], axis=1)
    real, open_ = ended < 0.5, ended - target[:, :, 4] < 0.5  # up to the end; up to and with it
    moves = ops.where(real[:, :, None], target[:, :, :2], 0.0)
    log_pen = mixture.pen - ops.logsumexp(mixture.pen, axis=-1, keepdims=True)
    pen = -ops.sum(target[:, :, 2:] * log_pen, axis=-1)
    return ops.where(real, -log_density(mixture, moves), 0.0), ops.where(open_, pen, 0.0)


def reconstruction(target: Any, raw: Any) -> Any:
    """L_R = L_s + L_p of each drawing, divided by its own steps (its points and the end).

    The paper divides by N_max, the longest drawing of the data set, whatever the drawing's length; here
    each drawing weighs alike, and the figure is nats a step.

    Args:
        target: float [B, T + 1, 5], stroke-5.
        raw: float [B, T + 1, 6M + 3].

    Returns:
        float [B].
    """
    moves, pens = step_losses(target, raw)
    steps = ops.sum(ops.cast(ops.cumsum(target[:, :, 4], axis=1) - target[:, :, 4] < 0.5, "float32"), axis=1)
    return ops.sum(moves + pens, axis=1) / steps
