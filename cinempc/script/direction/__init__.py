"""The director: what a script asks of the picture, moment by moment."""
