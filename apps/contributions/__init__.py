"""What people offer: ratings, preferences, corrections, data; revisions, licence, provenance."""
