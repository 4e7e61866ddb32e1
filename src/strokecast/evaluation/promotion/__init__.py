"""The gate that a model passes before it becomes the champion of its task."""
