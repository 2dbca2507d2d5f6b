"""What flies in the simulator: vehicle, gimbal, lens motors, and the wind that acts on it."""
