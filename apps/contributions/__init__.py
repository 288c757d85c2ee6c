"""What people offer: ratings, preferences, corrections, datasets; revisions, licence, provenance."""
