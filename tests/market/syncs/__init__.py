"""The syncs of the market, against the stand-in and a real PostgreSQL."""
