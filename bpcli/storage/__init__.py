"""Files that are written whole or not at all, text as CSV and JSON, and tensors as safetensors."""
