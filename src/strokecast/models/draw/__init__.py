"""Generators: a class or a latent vector to strokes."""
