"""What training, evaluation and serving read features with."""
