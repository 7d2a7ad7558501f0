"""The pages about workers and their live settings. Importing them registers them with Django's admin."""

from indexer.workers.admin import live, workers

__all__ = ["live", "workers"]
