"""What to train on and what to measure."""
