"""The zoo: one architecture a file, one registry."""
