"""The union front of all runs, with its test, its sizes and its times."""
