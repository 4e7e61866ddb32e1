"""The TensorFlow Datasets builder of the drawings; its public name is `strokecast.datasets`."""
