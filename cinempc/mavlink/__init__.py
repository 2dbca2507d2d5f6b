"""MAVLink's wire, shared by the flight side and the simulated vehicle."""
