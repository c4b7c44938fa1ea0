"""Errors for the person who can mend them."""


class UserError(Exception):
    """Something the user gave (a file, a key, a value) cannot be used; the message says what, where and what to do."""
