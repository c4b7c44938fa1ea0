"""The study's figures, a module for each kind.

Each function that draws takes tidy tables of one network and gives a figure with its caption.
"""
