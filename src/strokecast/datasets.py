"""TensorFlow Datasets: importing this module makes `tfds.load("sketch_rnn")` work.

Import it only where TensorFlow is wanted: it imports TensorFlow Datasets.
"""

from strokecast.tfds.configs import BASE_VARIABLE, SketchRnnConfig, config
from strokecast.tfds.sketch_rnn import SketchRnn

__all__ = ["BASE_VARIABLE", "SketchRnn", "SketchRnnConfig", "config"]
