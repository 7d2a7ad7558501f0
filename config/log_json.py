"""Lines as JSON, for whoever collects them."""

from typing import Any

from pythonjsonlogger.json import JsonFormatter

from config.process import program_name

JSON_FIELDS = ["levelname", "name", "message", "process"]
JSON_NAMES = {"levelname": "level", "name": "logger", "program": "process", "process": "pid", "exc_info": "exception"}
JSON_ORDER = ("time", "level", "logger", "message", "process", "pid", "exception", "stack_info")


class JsonLine(JsonFormatter):
    """One object a line: time (UTC), level, logger, message, process, pid, exception; nothing that others add."""

    def __init__(self) -> None:
        super().__init__(JSON_FIELDS, timestamp="time", rename_fields=JSON_NAMES, defaults={"program": program_name()})

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {field: log_data[field] for field in JSON_ORDER if field in log_data}
