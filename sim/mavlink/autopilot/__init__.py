"""The simulated autopilot: behaves as PX4 does, as measured on PX4."""
