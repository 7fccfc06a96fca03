"""Faults made on purpose: kills, refused calls, full disks, power cuts; a few by default, all with make faults."""
