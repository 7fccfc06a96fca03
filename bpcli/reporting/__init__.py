"""What a trained model is worth: its evaluation on examples, and its predictions as a table."""
