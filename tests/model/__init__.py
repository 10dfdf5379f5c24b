"""The real model and the real server, on loopback."""
