"""The campaign: many starts of the finder, each verdict held against Newton's method in 50 digits."""
