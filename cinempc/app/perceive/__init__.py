"""Looks at somebody's footage with what a flight looks with."""
