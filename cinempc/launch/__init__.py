"""Whole set-ups with one command: what their files say, and the supervisor that runs them.

It starts the parts of a set-up in order, waits until each is ready, and ends them together. It
knows nothing of what the parts are; `cinempc.app.launch` turns a set-up's file into parts.
"""
