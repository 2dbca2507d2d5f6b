"""cinempc: an autonomous camera operator for drones."""

__version__ = "0.1.0"
