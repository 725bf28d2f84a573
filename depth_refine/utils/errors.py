"""The one exception for bad input."""


class InputError(ValueError):
    """A file, option or array from the user cannot be used.

    The message is complete: what was read, from where, what was expected, what was found and what to do. Tools print it
    without a traceback, and exit with status 1.
    """
