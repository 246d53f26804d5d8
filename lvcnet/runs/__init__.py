"""The run directory: its files, its states, how to list and compare runs."""
