"""Configuration, one readable loop, checkpoints."""
