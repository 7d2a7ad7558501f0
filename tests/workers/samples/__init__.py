"""Background workers for tests and the soak, one for each way in which a worker can be (EXTRA_APPS)."""
