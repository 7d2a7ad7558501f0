"""Market data: the source, what is taken of it, and what is not."""
