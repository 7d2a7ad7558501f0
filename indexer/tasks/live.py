"""The live settings of tasks: what can be changed while they run."""

from indexer.workers.live import LiveSetting, declare

KEEP_DAYS = declare(
    LiveSetting("tasks.keep_days", 90, "how long runs that are over are kept, with their log lines", "days", 1, 36500)
)
KEEP_JOB_HOURS = declare(
    LiveSetting("tasks.keep_job_hours", 24, "how long what has left the line is kept in its tables", "h", 1, 8760)
)
