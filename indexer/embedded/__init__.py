"""What Footprint brings along where nothing else is given: a private PostgreSQL, and live chains for the demo."""
