"""Scheduled work: tasks, their schedules, runs, retries, priorities, budgets; on procrastinate, in PostgreSQL alone."""
