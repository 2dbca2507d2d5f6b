"""Where subjects are in the world: observations in pictures, filtered."""
