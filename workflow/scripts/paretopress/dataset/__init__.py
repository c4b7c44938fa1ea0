"""Read images from their source and divide them into splits."""
