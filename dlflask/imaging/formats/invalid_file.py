"""Error for a file whose structure cannot be decoded, or would take too long to decode."""


class InvalidFile(ValueError):
    """The structure of a file is invalid or too complex.

    The message is a clause such as "it has 300 scans": `decode_errors` inserts it into "The image
    is cut off or damaged (...)". The messages of other exceptions are not shown to the user.
    """
