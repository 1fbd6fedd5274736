"""Larger experiments whose results are kept in data/reference/results."""
