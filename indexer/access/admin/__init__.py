"""The pages about who may do what: API keys, the audit, users and groups."""

from indexer.access.admin import audit, keys, people

__all__ = ["audit", "keys", "people"]
