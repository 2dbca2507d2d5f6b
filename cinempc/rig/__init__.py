"""What flies and films, as plain data and protocols: numpy and pydantic only."""
