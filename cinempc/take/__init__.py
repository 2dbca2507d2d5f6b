"""The take: the loop from frame to plan, and the way to the mark."""
