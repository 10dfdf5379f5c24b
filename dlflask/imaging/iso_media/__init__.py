"""Structure of ISO media files (AVIF and HEIC): boxes, and the items in them."""
