"""Servers, pictures and load in; a table of medians, their ratios and a plot out.

Nothing here is a bar: figures are compared with figures of the same run only.
"""
