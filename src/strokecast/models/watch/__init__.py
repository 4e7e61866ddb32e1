"""The drawing as a video of it being drawn, to class."""
