"""The lens of a camera on MAVLink: commanded, reported, and modelled between reports."""
