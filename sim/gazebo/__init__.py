"""Gazebo: a scene as its world, our camera on PX4's x500, and the bridge that films there."""
