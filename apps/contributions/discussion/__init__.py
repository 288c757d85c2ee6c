"""What is said about a contribution: comments, threads on rows, suggestions, labels, and ticks."""
