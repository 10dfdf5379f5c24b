"""Training: small runs of the real thing."""
