"""From accepted rows to TFRecords."""
