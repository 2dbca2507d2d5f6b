"""The director's monitor: the picture with what a cinema camera shows on its screen."""
