"""The gimbal on MAVLink: pointed by the gimbal protocol, or without one by what there is."""
