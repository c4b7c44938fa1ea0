"""Apply designs to a network and evaluate the results."""
