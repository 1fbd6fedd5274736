"""Compiled loops behind `qglib.spacetime`; see README.md of this folder."""
