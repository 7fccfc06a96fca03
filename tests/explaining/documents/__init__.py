"""Five derivations of backpropagation, each computed in its own notation and compared with the engine."""
