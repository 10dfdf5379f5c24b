"""Texts and places in the outputs of the number network."""
