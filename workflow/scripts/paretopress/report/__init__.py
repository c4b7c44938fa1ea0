"""The study as one HTML page that reads like the results section of a paper, and as one JSON file."""
