"""The report of a study: an HTML page like the results section of a paper, and a JSON file."""
