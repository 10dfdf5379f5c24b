"""Changes of digits, such as other hands, pens, scanners and cameras would make."""
