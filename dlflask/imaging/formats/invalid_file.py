"""Error of a file whose structure cannot be decoded, or is not worth decoding."""


class InvalidFile(ValueError):
    """The structure of a file is invalid or too complex.

    The message goes on from "The image is cut off or damaged", as in "it has 300 scans".
    `decode_errors` reports it; the messages of other exceptions are not for the user.
    """
