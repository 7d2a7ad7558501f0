"""The OpenAPI schema: what drf-spectacular finds in the views, with bodies as msgspec's structs describe themselves."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from django.forms import Form
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from api import openapi_examples as examples
from api.openapi_lean import PATHS
from api.openapi_parts import (
    IN_PATHS,
    OF_ALL,
    OF_BODIES,
    PROBLEMS,
    Json,
    problem_response,
    refer_to_problems,
    schema_of,
    structs,
)
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
TAGS = [
    {"name": "Addresses", "description": "Which pools addresses have touched."},
    {"name": "Chains", "description": "How far every chain is."},
    {"name": "Jobs", "description": "What is watched, and changes to it."},
    {"name": "Pools", "description": "The watched contracts, and the addresses that have touched them."},
    {"name": "Market", "description": "Protocols and pools, what they are worth, and which contracts they are."},
    {"name": "Watch lists", "description": "What is watched, by whole lists."},
    {"name": "Tasks", "description": "Scheduled work: when it runs, how it fares, and asking for more of it."},
    {"name": "Compatibility", "description": "The same in the shapes that clients of the model system know."},
    {"name": "Server", "description": "Whether all is well, and what there is."},
]
METHODS = ("get", "put", "post", "patch", "delete")

AS_ASKED = {200: "As asked."}
PROBLEMS_OF, EXAMPLE_OF, SHEET_OF = "x-problems", "x-example", "x-sheet"
"""What an operation is given by the generator's hook, not by the generator."""
OF_PATHS = ("404",)


def documented(
    operation: str,
    summary: str,
    *,
    tag: str,
    answer: Any,
    example: Json,
    answers: Mapping[int, str] = AS_ASKED,
    path: Sequence[str] = (),
    parameters: Sequence[type[Form]] = (),
    sheet: str = "",
    body: Any = None,
    bodies: Mapping[str, Any] | None = None,
    more_problems: Sequence[str] = (),
) -> Callable[[View], View]:
    """Describe a method of a view; its docstring is the description.

    `answer` is the type of what it answers with each status of `answers`, `example` one, `sheet` one in CSV where it is
    given so, too, `bodies` are examples by name, and `more_problems` statuses of PROBLEMS beyond those that all such
    methods have.
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
        examples=[OpenApiExample(name, value, request_only=True) for name, value in (bodies or {}).items()],
        responses={number: OpenApiResponse(schema, description=said) for number, said in answers.items()},
        extensions={PROBLEMS_OF: problems, EXAMPLE_OF: example, SHEET_OF: sheet},
    )


def complete(result: Json, generator: object, request: object, public: bool) -> Json:
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
    components["schemas"] = dict(sorted({**components.get("schemas", {}), **structs}.items()))
    components["responses"] = {
        name: problem_response(status, said, problem) for status, (name, said) in PROBLEMS.items()
    }
    components["securitySchemes"] = SECURITY_SCHEMES
    result["tags"] = TAGS
    return result


def complete_operation(operation: Json, security: list[dict[str, list[str]]]) -> None:
    operation.setdefault("security", security)
    responses = operation["responses"]
    if EXAMPLE_OF in operation:
        example, sheet = operation.pop(EXAMPLE_OF), operation.pop(SHEET_OF)
        for response in responses.values():
            response["content"]["application/json"]["example"] = example
            if sheet:
                response["content"]["text/csv"] = {"schema": {"type": "string"}, "example": sheet}
    operation["responses"] = dict(sorted({**refer_to_problems(operation.pop(PROBLEMS_OF, ())), **responses}.items()))
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["example"] = examples.IN_PATHS[parameter["name"]]
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True


@cache
def read_schema() -> bytes:
    """The schema in JSON; it is the same as long as the process lives."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return msgspec.json.encode(schema)
