"""Detection: a picture in, detections out, through whatever runs the weights."""
