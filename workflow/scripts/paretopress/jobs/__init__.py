"""What keeps a job alive and honest; no result depends on it."""
