"""Change digits as hands, pens, scanners and cameras change them."""
