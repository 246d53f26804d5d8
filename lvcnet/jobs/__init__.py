"""Trainings in the background: submit, wait, cancel, recover."""
