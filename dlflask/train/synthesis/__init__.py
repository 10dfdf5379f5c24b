"""Drawing of digits and non-digits as thin lines, which a pen of any width can follow."""
