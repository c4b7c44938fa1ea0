"""The commands of `paretopress`, a module for each."""
