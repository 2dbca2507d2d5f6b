"""Runs what is simulated for MAVLink clients: a vehicle, a payload, the camera in Gazebo."""
