"""Measures cinempc on this machine: the control step, the stream, perception."""
