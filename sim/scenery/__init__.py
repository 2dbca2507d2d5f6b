"""What stands and walks in the simulator's world."""
