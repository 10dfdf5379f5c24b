"""Draw digits and non-digits as lines, for any pen to follow."""
