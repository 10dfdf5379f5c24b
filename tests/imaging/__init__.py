"""A picture's way to the tensor: decode, find the ink, place; on pictures drawn in the test."""
