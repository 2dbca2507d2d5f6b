"""Pixels to subjects."""
