"""A design of the front as files that run elsewhere: chosen, written, verified and measured."""
