"""The object of which malicious pickles are made."""


class Call:
    """Pickled as a call of a function, or of what another call returns."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call

    __call__ = None  # pickle wants a function that looks callable
