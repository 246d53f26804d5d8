"""The runs page: how trainings go, and what to do with them."""
