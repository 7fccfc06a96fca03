"""Tests of bpcli.data.conversion."""
