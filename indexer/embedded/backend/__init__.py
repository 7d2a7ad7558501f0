"""A Django database backend that starts the embedded PostgreSQL when the first connection needs it."""
