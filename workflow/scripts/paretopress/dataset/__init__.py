"""Images to splits."""
