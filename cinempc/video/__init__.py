"""Video files and streams, opened and written the same way everywhere."""
