"""From accepted rows to padded or windowed TFRecords."""
