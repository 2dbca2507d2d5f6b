"""What a take leaves behind: footage, log, metrics, report."""
