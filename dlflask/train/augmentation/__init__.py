"""Changes that other hands, pens, scanners and cameras would make to digits."""
