"""The pages about workers. Importing them registers them with Django's admin."""

from indexer.workers.admin import workers

__all__ = ["workers"]
