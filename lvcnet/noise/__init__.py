"""Annotations made worse, by a known amount."""
