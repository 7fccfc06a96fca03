"""Five derivations of backpropagation, each computed in its own notation and held against the engine."""
