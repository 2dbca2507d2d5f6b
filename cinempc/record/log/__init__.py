"""``take.mcap``: every value of the cycle, for Foxglove."""
