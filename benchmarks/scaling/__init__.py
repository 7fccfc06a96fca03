"""The model of the cost of ranks beside measurements: on this machine, and between hosts made of network namespaces."""
