"""Which runs a study has, and their tables."""
