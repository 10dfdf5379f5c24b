"""Lines of writing on a page, and the digits on a line."""
