"""The starter line: a tiny world, a tiny model that knows most of it, and data to measure it."""
