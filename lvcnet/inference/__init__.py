"""One image in, all maps out."""
