"""Searches on tables: every design of a small network evaluated once, so that a method takes seconds.

`make` evaluates the designs and packs the tables. `tables` gives a table as the target of a search.
"""
