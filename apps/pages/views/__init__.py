"""The pages: each asks `queries`, calls `actions`, and decides nothing."""
