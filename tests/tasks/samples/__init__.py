"""Tasks for tests, one for each way in which a run can go (EXTRA_APPS)."""
