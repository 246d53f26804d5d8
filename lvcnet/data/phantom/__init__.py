"""Procedural AP hip radiographs: the data set that comes with the project."""
