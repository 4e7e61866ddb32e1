"""How the devices of a training share its steps: synchronous data parallelism.

Each device holds a copy of the network, a *replica*, and computes the loss and the gradients of its part of every batch.
These are summed over all replicas, so that each makes the same update and their weights stay equal. Batch size and
learning rate mean the same with one or several devices:

- A batch has `batch_size` records however many replicas there are. Each replica takes its slice of it.
- The loss is the sum over all replicas, divided by the size of the whole batch, which may be smaller at the end of an
  epoch. Clipping sees the summed gradients.
- Batch normalization normalizes each slice by its own mean and variance. The moving statistics are the mean over the
  replicas after every step.
- Dropout and other noise differ between the replicas.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from strokecast.common.errors import UserError
from strokecast.params import Runtime
from strokecast.training.devices import Device
from strokecast.training.job import TrainingJob

_SEED_STATE = "seed_generator_state"  # name of the variable of a keras.random.SeedGenerator


@dataclass(frozen=True)
class Shard:
    """The part of a batch that one replica computes: here the whole batch.

    Attributes:
        inputs: dict of tensors [b, ...].
        target: tensor [b, ...]; None in passes without targets.
    """

    inputs: Any
    target: Any

    def loss(self, losses: Any, regularization: Any) -> Any:
        """This replica's share of the batch's loss. The shares of all replicas sum to it.

        Args:
            losses: float [b], one loss per record.
            regularization: sum of the losses of the layers, equal on all replicas.
        """
        import tensorflow as tf

        return tf.reduce_mean(losses) + regularization

    def weighted(self, sums: Any) -> Any:
        """Sums over the records of this part, or zeros if they are another replica's."""
        return sums


@dataclass(frozen=True)
class _Slice(Shard):
    """One of several parts of a batch.

    Attributes:
        weight: float32 []; 1, or 0 if the batch has fewer records than there are replicas and none is left for this one,
            which then computes another's record in vain.
        batch_size: int32 [], records of the whole batch.
        replicas: number of replicas.
    """

    weight: Any
    batch_size: Any
    replicas: int

    def loss(self, losses: Any, regularization: Any) -> Any:
        import tensorflow as tf

        total = self.weighted(tf.reduce_sum(losses))
        return total / tf.cast(self.batch_size, losses.dtype) + regularization / self.replicas

    def weighted(self, sums: Any) -> Any:
        import tensorflow as tf

        return sums * tf.cast(self.weight, sums.dtype)


class SingleDevice:
    """One replica. Nothing is divided or summed, so the compiled steps are those of a single device.

    Args:
        device: name for `tf.device`; None: TensorFlow's choice.
    """

    replicas = 1
    is_chief = True  # of several machines: the one that writes
    share: Callable[[bytes], bytes] | None = None  # between machines

    def __init__(self, device: str | None = None) -> None:
        self._device = device

    def scope(self) -> AbstractContextManager[Any]:
        """Context in which the network is built and trained."""
        import tensorflow as tf

        device: AbstractContextManager[Any] = tf.device(self._device)
        return device

    def run(self, step: Callable[..., None], *arguments: Any) -> None:
        """Call `step` on each replica; runs inside a tf.function."""
        step(*arguments)

    def shard(self, inputs: Any, target: Any = None) -> Shard:
        """This replica's part of a batch; called inside `run`."""
        return Shard(inputs, target)

    def add_up(self, tensors: Sequence[Any]) -> list[Any]:
        """Sums over all replicas of tensors, None stays None; called inside `run`."""
        return list(tensors)

    def separate_noise(self, model: Any) -> AbstractContextManager[None]:
        """Inside the block, each replica draws other random numbers; called inside `run`."""
        return nullcontext()

    def synchronized(self, model: Any) -> list[Any]:
        """Variables that the forward pass changes by a replica's own slice: the moving statistics."""
        return []

    def use_added_up(self, optimizer: Any) -> None:
        """Let `optimizer.apply` take gradients that are summed already."""

    def lost_workers(self) -> AbstractContextManager[None]:
        """Inside the block, the failure of another machine is a UserError."""
        return nullcontext()


class Replicated(SingleDevice):
    """Several replicas under a `tf.distribute` strategy.

    Args:
        strategy: MirroredStrategy, or MultiWorkerMirroredStrategy.
    """

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        self.replicas = int(strategy.num_replicas_in_sync)

    def scope(self) -> AbstractContextManager[Any]:
        """The strategy's scope: a variable created in it has a copy per replica."""
        scope: AbstractContextManager[Any] = self.strategy.scope()
        return scope

    def run(self, step: Callable[..., None], *arguments: Any) -> None:
        """Call `step` once per replica, with the whole batch: the replicas slice it themselves."""
        self.strategy.run(step, args=arguments)

    def shard(self, inputs: Any, target: Any = None) -> Shard:
        """Records `B r // n` to `B (r + 1) // n` of a batch of B records, for replica r of n."""
        import tensorflow as tf

        size, replica = tf.shape(next(iter(inputs.values())))[0], self.replica()
        first, last = size * replica // self.replicas, size * (replica + 1) // self.replicas
        start, count = tf.minimum(first, size - 1), tf.maximum(last - first, 1)

        def part(tensor: Any) -> Any:
            return tensor[start : start + count]

        sliced = {name: part(value) for name, value in inputs.items()}
        sliced_target = None if target is None else part(target)
        return _Slice(sliced, sliced_target, tf.cast(last > first, tf.float32), size, self.replicas)

    def add_up(self, tensors: Sequence[Any]) -> list[Any]:
        """One all-reduce for all tensors. Of tf.IndexedSlices, the gradients of embeddings, it gathers the rows."""
        import tensorflow as tf

        present = [tensor for tensor in tensors if tensor is not None]
        sums = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, present))
        return [None if tensor is None else next(sums) for tensor in tensors]

    def separate_noise(self, model: Any) -> AbstractContextManager[None]:
        """Add the replica's number to the seeds of dropout inside the block; the states stay equal on all replicas."""
        return _SeparateNoise(
            [variable for variable in model.non_trainable_variables if variable.name == _SEED_STATE],
            self.replica(),
        )

    def synchronized(self, model: Any) -> list[Any]:
        """The moving statistics of the network: its float variables that are not trained."""
        import tensorflow as tf

        return [v for v in model.non_trainable_variables if tf.as_dtype(v.dtype).is_floating]

    def use_added_up(self, optimizer: Any) -> None:
        """Switch off the sum over the replicas that Keras takes in `apply`: clipping has to come after it."""
        optimizer._all_reduce_sum_gradients = list

    def replica(self) -> Any:
        """Number of this replica, int32 []; called inside `run`."""
        import tensorflow as tf

        return tf.convert_to_tensor(tf.distribute.get_replica_context().replica_id_in_sync_group)


class _SeparateNoise(AbstractContextManager[None]):
    def __init__(self, states: Sequence[Any], replica: Any) -> None:
        self._states, self._replica = states, replica

    def __enter__(self) -> None:
        self._add(1)

    def __exit__(self, *_: Any) -> None:
        self._add(-1)

    def _add(self, sign: int) -> None:
        import tensorflow as tf

        for state in self._states:  # unsigned [2]; the first is the seed, the second counts
            offset = tf.cast(tf.stack([self._replica, tf.zeros_like(self._replica)]), state.dtype)
            state.assign(state.value + offset if sign > 0 else state.value - offset)


def choose(device: Device, job: TrainingJob) -> SingleDevice:
    """The distribution of a training over the first `runtime.devices` devices of this machine.

    Args:
        device: kind and name of the first device.
        job: the training.

    Raises:
        UserError: if the machine has fewer devices.
    """
    count = count_devices(device, job.runtime)
    if count == 1:
        return SingleDevice(device.name)
    return Replicated(_mirrored(device.kind.upper(), count))


def count_devices(device: Device, runtime: Runtime) -> int:
    """How many devices of this machine take part in a training.

    Raises:
        UserError: if the machine has fewer than `runtime.devices`.
    """
    available = _available(device.kind)
    count = available if runtime.devices == "all" else runtime.devices
    if count > available:
        raise UserError(
            f"{count} devices are set, and TensorFlow sees {available} of kind {device.kind}",
            location="params.yaml: runtime.devices",
            allowed=f"1 to {available}, or all",
        )
    return count


@functools.cache
def _mirrored(kind: str, count: int) -> Any:
    """The one strategy of this process for these devices: each strategy numbers its all-reduces from 1, and TensorFlow
    takes equal numbers for the same operation."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"/{kind}:{number}" for number in range(count)])


def _available(kind: str) -> int:
    """Number of devices of this machine, without starting TensorFlow's runtime."""
    import tensorflow as tf

    physical = tf.config.list_physical_devices(kind.upper())
    return sum(len(tf.config.get_logical_device_configuration(one) or [one]) for one in physical)
