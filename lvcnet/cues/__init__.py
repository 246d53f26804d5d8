"""Pure tensor functions of the paper: Sobel edges, visual guidance, resampling."""
