"""The train page: one run or a sweep, and the settings of both."""
