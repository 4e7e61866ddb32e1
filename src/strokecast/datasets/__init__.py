"""TensorFlow Datasets: importing this package makes `tfds.load("sketch_rnn")` work.

Import it where TensorFlow is wanted only: it brings TensorFlow Datasets along.
"""

from strokecast.datasets.configs import BASE_VARIABLE, SketchRnnConfig, config
from strokecast.datasets.sketch_rnn import SketchRnn

__all__ = ["BASE_VARIABLE", "SketchRnn", "SketchRnnConfig", "config"]
