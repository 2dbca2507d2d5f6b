"""`cinempc sim`: what is simulated for MAVLink clients."""
