"""Django's PostgreSQL engine, which adds one sentence when the server does not answer."""
