"""The TensorFlow Datasets builder of the drawings; `strokecast.datasets` is its public name."""
