"""Video classifiers: the frames of a drawing to its class."""
