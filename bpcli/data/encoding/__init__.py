"""From columns to the numbers that a network sees, learned from the training examples."""
