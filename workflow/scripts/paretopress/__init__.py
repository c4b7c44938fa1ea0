"""The smallest versions of a trained convolutional network that keep its accuracy."""
