"""The camera on MAVLink: found, asked what it can do, its lens commanded."""
