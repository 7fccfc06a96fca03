"""Tests of reading, encoding, splitting and handing out data."""
