"""Images and annotations in and out."""
