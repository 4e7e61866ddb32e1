"""A class or a latent vector to strokes."""
