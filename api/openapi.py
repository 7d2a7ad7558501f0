"""The OpenAPI schema: what drf-spectacular finds in the views, with bodies as msgspec's structs describe themselves."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from django.forms import Form
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from api.openapi_lean import PATHS, SCHEMAS
from api.parameters import describe_parameters
from api.problems import ProblemDetails

View = TypeVar("View", bound=Callable[..., Any])

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, as `Authorization: Bearer fp_…`."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "A login of the admin. Changes need the cookie csrftoken in the header X-CSRFToken, too.",
    },
}
WRITING: list[dict[str, list[str]]] = [{"bearer": []}, {"key": []}, {"session": []}]
READING = [{}, *WRITING]
METHODS = ("get", "put", "post", "patch", "delete")

PROBLEMS = {
    "400": ("BadRequest", "A parameter or the body cannot be read; `errors` says which."),
    "401": ("Unauthorized", "An API key or a login is needed, or the key that was shown is not valid."),
    "403": ("Forbidden", "The key or login lacks the scope, or a login's CSRF token is missing."),
    "404": ("NotFound", "There is no such chain, job or contract."),
    "406": ("NotAcceptable", "Answers are application/json."),
    "409": ("Conflict", "The job has retired: its definition was replaced, and it is on its way out."),
    "411": ("LengthRequired", "The body has no Content-Length, and this server takes none in chunks."),
    "413": ("TooLarge", "The body is longer than the server takes."),
    "415": ("UnsupportedMediaType", "Bodies are application/json."),
    "422": ("Unprocessable", "The body is JSON, but not what is expected; `errors` says where. Nothing was changed."),
    "429": ("TooManyRequests", "The key has used up its requests of this minute."),
    "503": ("Unavailable", "The database does not answer, or has given the statement up."),
}
HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "What to show."}},
    "429": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds until it is admitted again."}},
}
AS_ASKED = {200: "As asked."}
PROBLEMS_OF = "x-problems"
OF_ALL = ("400", "401", "403", "406", "429", "503")
OF_LEAN = ("400", "401", "403", "429", "503")
OF_PATHS = ("404",)
OF_BODIES = ("411", "413", "415", "422")

IN_PATHS: dict[str, tuple[dict[str, Any], str]] = {
    "chain": ({"type": "string"}, "The chain's name."),
    "job": ({"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, "The job's id."),
    "contract": ({"type": "string", "pattern": "^0[xX][0-9a-fA-F]{40}$"}, "The contract, in any case."),
}

structs: dict[str, Any] = {}
"""Component schemas of the structs that operations answer with or take, by name."""


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type as msgspec writes it; the structs in it become components."""
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    for name, component in components.items():
        if structs.setdefault(name, component) != component:
            raise ValueError(f"two different structs are called {name}: the schema can name only one so")
    return schema


def documented(
    operation: str,
    summary: str,
    *,
    tag: str,
    answer: Any,
    answers: Mapping[int, str] = AS_ASKED,
    path: Sequence[str] = (),
    parameters: Sequence[type[Form]] = (),
    body: Any = None,
    examples: Mapping[str, Any] | None = None,
    more_problems: Sequence[str] = (),
) -> Callable[[View], View]:
    """Describe a method of a view; its docstring is the description.

    `answer` is the type of what it answers with each status of `answers`, `examples` are bodies by name, and
    `more_problems` statuses of PROBLEMS beyond those that all such methods have.
    """
    schema = schema_of(answer)
    problems = (*OF_ALL, *(OF_PATHS if path else ()), *(OF_BODIES if body is not None else ()), *more_problems)
    return extend_schema(
        operation_id=operation,
        summary=summary,
        tags=[tag],
        parameters=[
            *(OpenApiParameter(name, IN_PATHS[name][0], "path", description=IN_PATHS[name][1]) for name in path),
            *describe_parameters(*parameters),
        ],
        request=None if body is None else {"application/json": schema_of(body)},
        examples=[OpenApiExample(name, value, request_only=True) for name, value in (examples or {}).items()],
        responses={number: OpenApiResponse(schema, description=said) for number, said in answers.items()},
        extensions={PROBLEMS_OF: problems},
    )


def complete(result: dict[str, Any], generator: object, request: object, public: bool) -> dict[str, Any]:
    """Postprocessing hook: the lean views' paths, the structs, security, and the problems of every operation."""
    twice = set(PATHS) & set(result["paths"])
    if twice:
        raise ValueError(f"described twice: {', '.join(sorted(twice))}")
    result["paths"] = dict(sorted({**result["paths"], **PATHS}.items()))
    for path, item in result["paths"].items():
        for method in METHODS:
            if method in item:
                # The lean views only ever read, with POST as well.
                reads = method == "get" or path in PATHS
                complete_operation(item[method], READING if reads else WRITING)
    components = result.setdefault("components", {})
    problem = schema_of(ProblemDetails)
    schemas = {**components.get("schemas", {}), **structs, **SCHEMAS, "Problem": problem}
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = {name: problem_response(status, said) for status, (name, said) in PROBLEMS.items()}
    components["securitySchemes"] = SECURITY_SCHEMES
    return result


def complete_operation(operation: dict[str, Any], security: list[dict[str, list[str]]]) -> None:
    operation.setdefault("security", security)
    for status in operation.pop(PROBLEMS_OF, OF_LEAN):
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{PROBLEMS[status][0]}"})
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    operation["responses"] = dict(sorted(operation["responses"].items()))


def problem_response(status: str, said: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": said, "headers": HEADERS.get(status, {}), "content": content}


@cache
def read_schema() -> bytes:
    """The schema in JSON; it is the same as long as the process lives."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return msgspec.json.encode(schema)
