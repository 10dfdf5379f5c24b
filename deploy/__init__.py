"""What runs the service beyond one machine."""
