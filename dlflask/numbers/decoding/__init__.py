"""Decoding of the number network's outputs: the text, and the output columns of each character."""
