"""What the public sees: PRs/week, update latency, verified effect, NPS, the outcome of every PR."""
