"""Jobs that survive a crash and that check what they read; no result depends on this folder."""
