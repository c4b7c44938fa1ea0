"""The commands for people: `python -m paretopress.commands NAME`."""
