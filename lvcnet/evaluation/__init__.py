"""Metrics, the paper's protocol, statistics and reports."""
