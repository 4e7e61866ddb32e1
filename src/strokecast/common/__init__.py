"""Used by all other packages: errors, files, paths, signals, the frame of stages, TFRecords."""
