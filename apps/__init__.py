"""The apps, in the order in which a contribution lives; code looks left, never right."""
