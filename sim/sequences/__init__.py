"""Picture sequences with their ground truth."""
