"""The runs of a study, and their tables."""
