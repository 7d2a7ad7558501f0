"""What the operations of the schema are made of: the schemas of structs, parameters of paths, and problems."""

from typing import Any

import msgspec

Json = dict[str, Any]

PROBLEMS = {
    "400": ("BadRequest", "A parameter or the body cannot be read; `errors` says which."),
    "401": ("Unauthorized", "An API key or a login is needed, or the key that was shown is not valid."),
    "403": ("Forbidden", "The key or login lacks the scope, or a login's CSRF token is missing."),
    "404": ("NotFound", "There is no such chain, job, contract, pool, protocol, proposal, task or run."),
    "409": (
        "Conflict",
        "The job has retired and is on its way out; the proposal is decided already, or cannot be; the run is over, "
        "or is not yet.",
    ),
    "411": ("LengthRequired", "The body has no Content-Length, and this server takes none in chunks."),
    "413": ("TooLarge", "The body is longer than the server takes."),
    "415": ("UnsupportedMediaType", "Bodies are application/json."),
    "422": ("Unprocessable", "The body is JSON, but not what is expected; `errors` says where. Nothing was changed."),
    "429": ("TooManyRequests", "The key has used up its requests of this minute."),
    "503": ("Unavailable", "The database does not answer or has given this up; or, to a change, maintenance is on."),
}
HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "What to show."}},
    "429": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds until it is admitted again."}},
    "503": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds; where maintenance is on."}},
}
OF_ALL = ("400", "401", "403", "429", "503")
OF_BODIES = ("411", "413", "415", "422")

ANY_CASE = {"type": "string", "pattern": "^0[xX][0-9a-fA-F]{40}$"}
IN_PATHS: dict[str, tuple[Json, str]] = {
    "address": (ANY_CASE, "The address, in any case."),
    "chain": ({"type": "string"}, "The chain's name."),
    "job": ({"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, "The job's id."),
    "contract": (ANY_CASE, "The contract, in any case."),
    "task": ({"type": "string"}, "The task's name."),
    "run": ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "The run's id."),
    "schedule": ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "The schedule's id."),
    "pool": ({"type": "string", "format": "uuid"}, "The source's id of the pool."),
    "protocol": ({"type": "string"}, "The source's id of the protocol, its slug, or a slug that it had."),
    "proposal": ({"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, "The proposal's id."),
}

structs: Json = {}
"""Component schemas of the structs that operations answer with or take, by name."""


def schema_of(kind: Any) -> Json:
    """The JSON schema of a type as msgspec writes it; the structs in it become components."""
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    for name, component in components.items():
        if structs.setdefault(name, component) != component:
            raise ValueError(f"two different structs are called {name}: the schema can name only one so")
    return schema


def problem_response(status: str, said: str, schema: Json) -> Json:
    content = {"application/problem+json": {"schema": schema}}
    return {"description": said, "headers": HEADERS.get(status, {}), "content": content}


def refer_to_problems(statuses: tuple[str, ...]) -> Json:
    return {status: {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"} for status in statuses}


def sentence(meaning: str) -> str:
    """A parameter's meaning, as an error names it, as the schema says it."""
    return f"{meaning[:1].upper()}{meaning[1:]}."
