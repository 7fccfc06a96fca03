"""Results of a trained model: its evaluation on examples, and its predictions as a table."""
