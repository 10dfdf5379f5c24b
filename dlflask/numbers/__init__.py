"""Reading of whole numbers: lines of digits, separators and signs."""
