"""Tests of bpcli.data.files."""
