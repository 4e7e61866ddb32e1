"""TensorFlow Datasets: importing this module registers the dataset, so `tfds.load("sketch_rnn")` works.

The import loads TensorFlow Datasets, so import it only where TensorFlow is used.
"""

from strokecast.tfds.configs import BASE_URL_VARIABLE, SketchRnnConfig, config
from strokecast.tfds.sketch_rnn import SketchRnn

__all__ = ["BASE_URL_VARIABLE", "SketchRnn", "SketchRnnConfig", "config"]
