"""The pages about the market. Importing them registers them with Django's admin."""

from indexer.market.admin import mappings, pools, proposals, protocols, sources

__all__ = ["mappings", "pools", "proposals", "protocols", "sources"]
