"""Brings whole set-ups up, flies a script in them, and takes them down again."""
