"""Runs side by side: which belong together, their tables, and what they say in words."""
