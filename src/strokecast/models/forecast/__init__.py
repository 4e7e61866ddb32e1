"""Past days to the next `horizon` days."""
