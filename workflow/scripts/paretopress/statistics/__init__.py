"""Tests, effects, claims."""
