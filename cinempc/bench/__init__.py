"""What cinempc is measured by: ``cinempc bench``."""
