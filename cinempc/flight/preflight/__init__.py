"""Before the flight: whether vehicle, links and fence are fit for it."""
