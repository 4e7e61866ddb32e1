"""Where records are written: local processes or Apache Beam."""
