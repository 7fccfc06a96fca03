"""The gradient that trains, held against differences, layer by layer: what ``bp gradcheck`` reports.

The trainer's own code fills the gradient, in float64, on real examples: first a
full batch, then a shorter one with the same network, parameters and buffers
(``subject``). ``comparison`` judges every parameter, ``step_sizes`` shows how
far a central difference can be trusted.
"""
