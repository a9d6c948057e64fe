"""Template tags of the live floor."""
