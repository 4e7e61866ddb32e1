"""Features of drawings: strokes, padded records, video frames."""
