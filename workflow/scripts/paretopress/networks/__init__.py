"""Networks built, loaded, trained, gated."""
