"""Where chunks of validated drawings are encoded: local processes or Apache Beam."""
