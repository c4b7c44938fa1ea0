"""The union front of all runs, its test, sizes and times."""
