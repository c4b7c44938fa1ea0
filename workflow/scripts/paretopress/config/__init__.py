"""What is asked: every key of a config, its checks, its documentation."""
