"""One file is one task."""
