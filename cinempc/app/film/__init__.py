"""Films a script in the embedded simulator."""
