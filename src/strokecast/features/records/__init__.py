"""TFRecords: writing, reading, and the spec.json beside them."""
