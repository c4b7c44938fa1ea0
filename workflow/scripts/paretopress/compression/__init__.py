"""What a design does to a network."""
