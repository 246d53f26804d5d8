"""LVC-Net Lab: what sloppy outlines cost, which method survives them, and repaired labels."""

__version__ = "0.1.0"
