"""What a take on a vehicle is made with, and the log of a flight."""
