"""The views of this face, by the app whose queries and actions they call."""
