"""The camera's streams: received, decoded, put in time, joined with depth."""
