"""The noise page: label sets made worse, looked at image by image."""
