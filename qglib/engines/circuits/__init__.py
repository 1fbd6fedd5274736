"""A QNode read once, run for whole batches; README.md is the map."""
