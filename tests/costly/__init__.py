"""Images that are cheap to send and costly to decode, one module per format."""
