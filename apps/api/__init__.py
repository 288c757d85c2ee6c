"""The face for tools: REST that asks queries, calls actions and decides nothing."""
