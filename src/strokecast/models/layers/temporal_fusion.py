"""Parts of the Temporal Fusion Transformer: gated residual networks, variable selection, interpretable attention.

Source: Lim et al., 2021, https://arxiv.org/abs/1912.09363, sections 4.1, 4.2 and 4.4

Shape legend: B batch, T days, V variables, E `d_model`, H horizon, M days that attention can read (window and horizon),
N heads, A size of a head.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

_EPSILON = 1e-3  # of layer normalisation


@keras.saving.register_keras_serializable(package="strokecast")
class RelativeDays(keras.layers.Layer):
    """Return the place of each day relative to the origin, in windows: first / W, (first + 1) / W, ...

    Args:
        first: the first day; 0 is the last day of the window.
        days: T.

    Call arguments:
        past: float [B, W, C].

    Returns:
        float [B, T, 1].
    """

    def __init__(self, first: int, days: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.days = first, days

    def call(self, past: Any) -> Any:
        """Return the days."""
        places = ops.cast((self.first + np.arange(self.days)) / past.shape[1], past.dtype)
        return ops.broadcast_to(places[None, :, None], (ops.shape(past)[0], self.days, 1))

    def compute_output_spec(self, past: Any) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((past.shape[0], self.days, 1), past.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "first": self.first, "days": self.days}


@keras.saving.register_keras_serializable(package="strokecast")
class WeightedVariables(keras.layers.Layer):
    """Sum of the variables of a day, each through a gated residual network of its own, times its weight.

    Computes the networks of all variables at once, with the variables as the first axis: without moving axes between dense
    layers, which took most of the time.

    Args:
        dropout: dropout rate before the gates.

    Call arguments:
        embedded: float [B, T, V, E].
        weights: float [B, T, V].
        training: whether dropout is active.

    Returns:
        float [B, T, E].
    """

    def __init__(self, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dropout_rate = dropout
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, embedded_shape: tuple[int | None, ...], weights_shape: Any = None) -> None:
        """Create kernels [V, E, E] and [V, E, 2E], their biases, and gain and offset [V, 1, E]."""
        count, units = (int(size) for size in embedded_shape[2:] if size is not None)
        glorot = keras.initializers.VarianceScaling(count, "fan_avg", "uniform")  # of one variable

        def kernel(outputs: int, name: str) -> Any:
            return self.add_weight((count, units, outputs), initializer=glorot, name=name)

        self.hidden_kernel, self.linear_kernel = (
            kernel(units, "hidden_kernel"),
            kernel(units, "linear_kernel"),
        )
        self.gate_kernel = kernel(2 * units, "gate_kernel")
        self.hidden_bias = self.add_weight((count, 1, units), initializer="zeros", name="hidden_bias")
        self.linear_bias = self.add_weight((count, 1, units), initializer="zeros", name="linear_bias")
        self.gate_bias = self.add_weight((count, 1, 2 * units), initializer="zeros", name="gate_bias")
        self.gamma = self.add_weight((count, 1, units), initializer="ones", name="gamma")
        self.beta = self.add_weight((count, 1, units), initializer="zeros", name="beta")

    def call(self, embedded: Any, weights: Any, training: bool | None = None) -> Any:
        """Return the weighted sum."""
        days, count, units = embedded.shape[1:]
        x = ops.reshape(ops.transpose(embedded, (2, 0, 1, 3)), (count, -1, units))  # [V, B * T, E]
        hidden = ops.elu(ops.matmul(x, self.hidden_kernel) + self.hidden_bias)
        hidden = self.dropout(ops.matmul(hidden, self.linear_kernel) + self.linear_bias, training=training)
        value, gate = ops.split(ops.matmul(hidden, self.gate_kernel) + self.gate_bias, 2, axis=-1)
        y = x + value * ops.sigmoid(gate)
        centered = y - ops.mean(y, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        y = centered * ops.rsqrt(variance + _EPSILON) * self.gamma + self.beta
        by_variable = ops.reshape(ops.transpose(weights, (2, 0, 1)), (count, -1, 1))
        return ops.reshape(ops.sum(y * by_variable, axis=0), (-1, days, units))

    def compute_output_spec(self, embedded: Any, weights: Any, training: bool | None = None) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor((*embedded.shape[:2], embedded.shape[3]), embedded.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "dropout": self.dropout_rate}


@keras.saving.register_keras_serializable(package="strokecast")
class InterpretableAttention(keras.layers.Layer):
    """Multi-head attention whose heads share their values, so that the mean of their weights shows what was read.

    A forecast day attends to the window and to forecast days up to itself.

    Args:
        num_heads: N.
        dropout: dropout rate of the weights.

    Call arguments:
        query: float [B, H, E], the forecast days; E a multiple of N.
        memory: float [B, M, E], the window and the forecast days.
        training: whether dropout is active.

    Returns:
        float [B, H, E].
    """

    def __init__(self, num_heads: int, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.dropout_rate = num_heads, dropout
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, query_shape: tuple[int | None, ...], memory_shape: Any = None) -> None:
        """Create the projections of queries and keys [E, E], values [E, A] and outputs [A, E]."""
        d_model = int(query_shape[-1])  # type: ignore[arg-type]
        size = d_model // self.num_heads
        self.query_kernel = self.add_weight((d_model, d_model), initializer="glorot_uniform", name="query")
        self.key_kernel = self.add_weight((d_model, d_model), initializer="glorot_uniform", name="key")
        self.value_kernel = self.add_weight((d_model, size), initializer="glorot_uniform", name="value")
        self.output_kernel = self.add_weight((size, d_model), initializer="glorot_uniform", name="output")

    def call(self, query: Any, memory: Any, training: bool | None = None) -> Any:
        """Return what each forecast day reads."""
        queries = self._by_head(ops.matmul(query, self.query_kernel))  # [B, N, H, A]
        keys = self._by_head(ops.matmul(memory, self.key_kernel))  # [B, N, M, A]
        scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) / math.sqrt(keys.shape[-1])
        days, length = query.shape[1], memory.shape[1]
        readable = np.arange(length) <= length - days + np.arange(days)[:, None]  # [H, M]
        weights = ops.softmax(ops.where(readable, scores, -1e9), axis=-1)
        weights = ops.mean(self.dropout(weights, training=training), axis=1)  # [B, H, M]
        values = ops.matmul(memory, self.value_kernel)  # [B, M, A]
        return ops.matmul(ops.matmul(weights, values), self.output_kernel)

    def _by_head(self, x: Any) -> Any:
        """float [B, T, E] → [B, N, T, A]."""
        size = x.shape[2] // self.num_heads
        return ops.transpose(ops.reshape(x, (-1, x.shape[1], self.num_heads, size)), (0, 2, 1, 3))

    def compute_output_spec(self, query: Any, memory: Any, training: bool | None = None) -> Any:
        """Return the output's shape and dtype."""
        return keras.KerasTensor(query.shape, query.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for `from_config`."""
        return {**super().get_config(), "num_heads": self.num_heads, "dropout": self.dropout_rate}


def add_and_norm(skip: Any, x: Any, dropout: float, name: str) -> Any:
    """Add a gated linear unit of x to `skip`, and normalise.

    Args:
        skip: float [..., E].
        x: float [..., any].
        dropout: dropout rate of x.
        name: prefix of the layer names.

    Returns:
        float [..., E].
    """
    units = int(skip.shape[-1])
    if dropout:
        x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    value = keras.layers.Dense(units, name=f"{name}_value")(x)
    gate = keras.layers.Dense(units, activation="sigmoid", name=f"{name}_gate")(x)
    gated = keras.layers.Multiply(name=f"{name}_gated")([value, gate])
    total = keras.layers.Add(name=f"{name}_add")([skip, gated])
    return keras.layers.LayerNormalization(epsilon=_EPSILON, name=f"{name}_norm")(total)


def gated_residual(
    x: Any, units: int, dropout: float, name: str, *, output: int | None = None, context: Any = None
) -> Any:
    """Apply a gated residual network: a dense ELU network that a gate can switch off, added to its input.

    Args:
        x: float [B, C] or [B, T, C].
        units: hidden units.
        dropout: dropout rate before the gate.
        name: prefix of the layer names.
        output: size of the output; None: `units`.
        context: static context float [B, E] for x [B, T, C], or None.

    Returns:
        float [..., output].
    """
    size = output or units
    skip = x if x.shape[-1] == size else keras.layers.Dense(size, name=f"{name}_skip")(x)
    hidden = keras.layers.Dense(units, name=f"{name}_hidden")(x)
    if context is not None:
        of_context = keras.layers.Dense(units, use_bias=False, name=f"{name}_context")(context)
        of_context = keras.layers.Reshape((1, units), name=f"{name}_context_of_each_day")(of_context)
        hidden = keras.layers.Add(name=f"{name}_with_context")([hidden, of_context])
    hidden = keras.layers.Activation("elu", name=f"{name}_elu")(hidden)
    hidden = keras.layers.Dense(units, name=f"{name}_linear")(hidden)
    return add_and_norm(skip, hidden, dropout, name)


def select_variables(x: Any, units: int, dropout: float, name: str, context: Any = None) -> Any:
    """Embed each variable, and add the embeddings with weights that depend on all variables of the day.

    Args:
        x: float [B, T, V].
        units: E.
        dropout: dropout rate.
        name: prefix of the layer names; `<name>_weights` has the weights of two or more variables, float [B, T, V].
        context: static context float [B, E], or None.

    Returns:
        float [B, T, E].
    """
    days, count = int(x.shape[1]), int(x.shape[2])
    if count == 1:  # nothing to select
        embedded = keras.layers.Dense(units, name=f"{name}_embedding")(x)
        return gated_residual(embedded, units, dropout, name)
    embedded = keras.layers.EinsumDense(  # [B, T, V, E]
        "btv,ve->btve", (days, count, units), bias_axes="ve", name=f"{name}_embedding"
    )(x)
    flat = keras.layers.Reshape((days, count * units), name=f"{name}_flat")(embedded)
    scores = gated_residual(flat, units, dropout, f"{name}_scores", output=count, context=context)
    weights = keras.layers.Softmax(name=f"{name}_weights")(scores)
    return WeightedVariables(dropout, name=name)(embedded, weights)
