"""The kinds of pictures, one module for each question that a picture answers."""
