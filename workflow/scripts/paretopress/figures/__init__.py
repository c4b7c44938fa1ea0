"""The study's figures: a module for each kind, functions of tidy tables of one network that give a figure and its caption."""
