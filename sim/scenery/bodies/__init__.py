"""Baked clothed people; see ``README.md`` here for where they come from."""
