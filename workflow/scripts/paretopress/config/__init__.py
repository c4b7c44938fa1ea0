"""The config of a study: every key, its checks and its documentation."""
