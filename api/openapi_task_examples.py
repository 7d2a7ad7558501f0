"""Examples for the schema's operations about tasks."""

from api.openapi_examples import TIME, Json

LATER = "2025-01-22T06:26:52Z"
NEW_RUN = {"params": {"full": True}, "priority": "high"}
RUN: Json = {
    "id": 7,
    "task": "sync-pools",
    "state": "running",
    "why": "",
    "params": {"full": True},
    "priority": "high",
    "actor": "key:watcher",
    "schedule": None,
    "retry_of": None,
    "attempt": 1,
    "takeovers": 0,
    "worker": "tasks",
    "queued_at": TIME,
    "due_at": None,
    "started_at": TIME,
    "beat_at": LATER,
    "finished_at": None,
    "seconds": 12.0,
    "progress": {"done": 12000, "total": 50000, "per_second": 1000.0, "seconds_left": 38.0},
    "records": {"created": 0, "changed": 0, "unchanged": 0, "vanished": 0, "rejected": 0},
    "cancelled_by": "",
    "error": "",
}
RUNS = {"runs": [RUN], "next": "/api/v1/tasks/sync-pools/runs?cursor=7"}
RUN_DETAIL = {
    "run": RUN,
    "traceback": "",
    "lines": [{"at": TIME, "level": "INFO", "text": "50,000 pools have come"}],
}
BACKFILL = {"from": "2025-01-01", "to": "2025-01-31"}
BACKFILL_RUN = {**RUN, "task": "sync-historical", "params": {"first": "2025-01-01", "last": "2025-01-31"}}
SUCCEEDED = {
    **RUN,
    "id": 6,
    "state": "succeeded",
    "params": {},
    "actor": "",
    "schedule": "sync-pools",
    "finished_at": LATER,
    "records": {"created": 40, "changed": 1200, "unchanged": 48760, "vanished": 3, "rejected": 0},
}
SCHEDULE: Json = {
    "id": 1,
    "name": "sync-pools",
    "task": "sync-pools",
    "cron": "0 3 * * *",
    "every": None,
    "words": "At 03:00 every day",
    "params": {},
    "priority": "medium",
    "missed": "run once",
    "paused": False,
    "last_at": TIME,
    "next_five": [f"2025-01-{day}T03:00:00Z" for day in range(23, 28)],
    "note": "",
}
TASK: Json = {
    "name": "sync-pools",
    "words": "Every pool, with what it yields.",
    "params": {"full": "bool"},
    "priority": "medium",
    "attempts": 3,
    "time_limit": 3600.0,
    "budgets": ["defillama"],
    "partitioned": False,
    "trouble": "",
    "schedules": [SCHEDULE],
    "last_run": RUN,
    "last_success": SUCCEEDED,
    "freshness": {
        "name": "sync-pools",
        "newest": LATER,
        "age": 600.0,
        "promised": 93600.0,
        "stale": False,
        "trouble": "",
    },
}
TASKS = {"tasks": [TASK]}
PARTITION = {
    "key": "747c1d2a-c668-4682-b9f9-296708a3dd90",
    "state": "complete",
    "first": "2025-01-01",
    "last": "2025-01-31",
    "run": 7,
    "attempts": 1,
    "records": 31,
    "finished_at": LATER,
    "error": "",
}
PARTITIONS = {
    "counts": {"missing": 12, "running": 1, "complete": 1986, "failed": 1, "stale": 0, "refused": 0},
    "partitions": [PARTITION],
    "next": None,
}
