"""Fuzzing: seeds, targets, and inputs that revealed errors."""
