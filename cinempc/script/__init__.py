"""What the director wants: the script format, the moves, framing terms."""
