"""What `paretopress COMMAND` shows, a module for each command."""
