"""What protects people and the vehicle: limits, fence, loss of the subject, the check of a plan."""
