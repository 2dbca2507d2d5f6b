"""The pilot: holds the link to the autopilot and streams setpoints."""
