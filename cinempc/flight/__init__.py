"""Flying: the plan reaches autopilot, gimbal and camera over MAVLink.

Messages of the wire live in this package alone; what leaves it is in the project's own frames
and units. See ``docs/flight.md``.
"""
