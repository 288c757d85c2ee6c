<<<<<<< HEAD
"""What people offer: ratings, preferences, corrections, data; revisions, licence, origin."""
=======
"""What people offer: ratings, preferences, corrections, data; revisions, licence, provenance."""
>>>>>>> main
