"""What the evaluation of every task shares."""
