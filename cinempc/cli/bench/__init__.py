"""`cinempc bench`: measurements on this machine."""
