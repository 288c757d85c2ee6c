"""What a contribution would do to the live model, tried in seconds: a preview, never a build."""
