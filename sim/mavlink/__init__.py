"""The embedded simulator as real MAVLink peers: autopilot, gimbal and camera."""
