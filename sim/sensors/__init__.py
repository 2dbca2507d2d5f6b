"""What the simulator's sensors see: camera, depth camera, labels, a simulated detector."""
