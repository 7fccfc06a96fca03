"""What the symbols of each document mean on one network."""
