"""The background worker that runs tasks."""
