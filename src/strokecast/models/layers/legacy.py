"""Classes under which .keras files of earlier versions name their layers; only for loading.

Keras stores the weights of a model under the snake_case names of its layers' classes. A file of an earlier version
therefore needs a class of the old name, not only a registered alias. New networks use the base classes.
"""

from __future__ import annotations

import keras

from strokecast.models.layers.horizon import FutureWindows
from strokecast.models.layers.latent import AnnealedKLPenalty, KLDivergence, LatentSampling
from strokecast.models.layers.masking import ApplyMask
from strokecast.models.layers.recurrent import MaskedBidirectional
from strokecast.models.layers.stroke5 import ConcatPerStep, PreviousPoint
from strokecast.models.layers.transformer import PositionEmbedding

RENAMED = {  # former name → class
    "BothWays": MaskedBidirectional,
    "ZeroPadded": ApplyMask,
    "LearnedPlaces": PositionEmbedding,
    "PointBefore": PreviousPoint,
    "AtEachStep": ConcatPerStep,
    "FutureOfEachStep": FutureWindows,
    "Latent": LatentSampling,
    "Divergence": KLDivergence,
    "AnnealedPenalty": AnnealedKLPenalty,
}

for _name, _layer in RENAMED.items():
    keras.saving.register_keras_serializable(package="strokecast")(
        type(_name, (_layer,), {"__module__": __name__})
    )
