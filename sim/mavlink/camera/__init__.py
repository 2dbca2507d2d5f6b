"""A simulated camera on MAVLink: camera protocol version 2 over the simulator's lens motors."""
