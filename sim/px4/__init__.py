"""PX4's software in the loop: finding it, and how it is started with one of its simulators."""
