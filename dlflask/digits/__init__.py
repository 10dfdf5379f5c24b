"""Recognition of one handwritten digit in the ink of an image."""
