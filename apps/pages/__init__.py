"""The face for people: HTML that asks queries, calls actions and decides nothing."""
