"""The one exception for bad input."""


class InputError(ValueError):
    """A file, option or array from the user cannot be used.

    The message is complete in itself: what was read, from where, what was expected, what came and what to do.
    The tools print it alone, without a traceback, and exit with status 1.
    """
