"""Pictures and figures: images and numbers in, RGB arrays and plotly figures out."""
