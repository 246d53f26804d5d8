"""The compare page: results as figures and tables, image by image, and the planner."""
