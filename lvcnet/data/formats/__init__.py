"""The formats of annotations, a file each: read, and written."""
