"""The lean views in the schema: no generator finds them, so their operations stand here, in the same words."""

from collections.abc import Mapping, Sequence
from typing import Any

from api import addresses, user_pools
from api import openapi_examples as examples
from api.expansion import ExpandedBatch, ExpandedLookup
from api.health import HealthAnswer, LiveAnswer, ReadyAnswer
from api.index import IndexAnswer
from api.lookups import Question
from api.openapi_examples import POOL, TAG
from api.openapi_parts import ANY_CASE, IN_PATHS, OF_ALL, OF_BODIES, Json, refer_to_problems, schema_of, sentence
from api.user_pools import INCOMPLETE, PoolsByChain

OPEN: list[Json] = []
"""Security of what nobody needs a key for."""
TEXT = {"type": "string"}


def operation(
    name: str,
    summary: str,
    description: str,
    *,
    tag: str,
    content: Json,
    said: str = "As asked.",
    parameters: Sequence[Json] = (),
    headers: Mapping[str, Json] | None = None,
    more: Json | None = None,
    problems: tuple[str, ...] = OF_ALL,
) -> Json:
    """An operation; `content` is its answer by media type, `more` are answers beside it."""
    answers = {"200": {"description": said, "headers": headers or {}, "content": content}, **(more or {})}
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": [tag],
        "parameters": list(parameters),
        "responses": {**refer_to_problems(problems), **answers},
    }


def json(kind: Any, example: object) -> Json:
    return {"application/json": {"schema": schema_of(kind), "example": example}}


def query(name: str, meaning: str, example: str, schema: Json = TEXT) -> Json:
    return {"name": name, "in": "query", "description": sentence(meaning), "schema": schema, "example": example}


def header(description: str, example: str) -> Json:
    return {"description": description, "schema": TEXT, "example": example}


def with_503(kind: Any, example: Json, said: str) -> Json:
    """The answers of a question about health: a 503 looks like a 200, or is a problem without a database."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    unwell = {"description": said, "content": {"application/json": {"schema": schema_of(kind)}, **problem}}
    return {"content": json(kind, example), "more": {"503": unwell}}


ADDRESS = {
    "name": "address",
    "in": "path",
    "required": True,
    "description": IN_PATHS["address"][1],
    "schema": IN_PATHS["address"][0],
}
EXPAND = query("expand", addresses.PARAMETERS["expand"], "market", {**TEXT, "enum": ["market"]})
IF_NONE_MATCH = {**query("If-None-Match", "tags of answers at hand", TAG), "in": "header"}
CACHED = {
    "ETag": header("Changes whenever the answer could.", TAG),
    "Cache-Control": header("As long as the shortest block time of the chains.", "public, max-age=2"),
}
NOT_MODIFIED = {"304": {"description": "If-None-Match names the tag of the answer as it is now.", "headers": CACHED}}
METRICS = {"schema": TEXT, "example": examples.METRICS}

PATHS: dict[str, Json] = {
    "/": {
        "get": operation(
            "readIndex",
            "List what there is to ask",
            "Links by what they lead to.",
            tag="Server",
            content=json(IndexAnswer, {"name": "Footprint", "links": {"chains": "/api/v1/chains"}}),
            problems=(),
        )
        | {"security": OPEN},
    },
    "/api/v1/addresses/{address}": {
        "get": operation(
            "lookUpAddress",
            "Look an address up",
            "The pools an address has touched, on every chain, and how sure that is: `pools` and `check_also` together "
            "are never too small.",
            tag="Addresses",
            content=json(ExpandedLookup, examples.LOOKUP),
            parameters=[
                ADDRESS,
                query("chain", addresses.PARAMETERS["chain"], "ethereum,base"),
                query("check_also", addresses.PARAMETERS["check_also"], "all", {**TEXT, "enum": ["all"]}),
                query("after", addresses.PARAMETERS["after"], POOL, ANY_CASE),
                EXPAND,
                IF_NONE_MATCH,
            ],
            headers=CACHED,
            more=NOT_MODIFIED,
        )
    },
    "/api/v1/addresses/lookup": {
        "post": operation(
            "lookUpAddresses",
            "Look up to 1,000 addresses up",
            "Each address once, in the order first given. What holds for all of them is said once, and all is of one "
            "snapshot.",
            tag="Addresses",
            content=json(ExpandedBatch, examples.BATCH),
            parameters=[EXPAND],
            headers={"Cache-Control": header("Nothing keeps it.", "no-store")},
            problems=(*OF_ALL, *OF_BODIES),
        )
        | {"requestBody": {"required": True, "content": json(Question, examples.QUESTION)}}
    },
    "/user-pools/{address}": {
        "get": operation(
            "listUserPools",
            "List the pools of an address",
            "By chain id: the contracts that the address has touched, in the shape that clients of the model system "
            "know.",
            tag="Compatibility",
            content=json(PoolsByChain, examples.USER_POOLS),
            parameters=[
                ADDRESS,
                query("include", user_pools.PARAMETERS["include"], "check_also", {**TEXT, "enum": ["check_also"]}),
                IF_NONE_MATCH,
            ],
            headers={
                **CACHED,
                INCOMPLETE: header("Ids of chains whose lists may be too short; not with include.", "1, 8453"),
            },
            more=NOT_MODIFIED,
        )
    },
    "/health": {
        "get": operation(
            "readHealth",
            "Read how the workers get on",
            "Healthy is a chain whose worker gets on; degraded one that shows no new block, or whose past is not read "
            "on; unhealthy one whose worker does not get on. Each says since when, why, and what to do.",
            tag="Server",
            said="Every worker gets on.",
            problems=(),
            **with_503(HealthAnswer, examples.HEALTH, "A worker does not get on."),
        )
        | {"security": OPEN}
    },
    "/health/live": {
        "get": operation(
            "readLiveness",
            "Read whether the server is alive",
            "It is if it answers: its database is not asked, since a restart would not help that.",
            tag="Server",
            content=json(LiveAnswer, {"status": "alive"}),
            problems=(),
        )
        | {"security": OPEN}
    },
    "/health/ready": {
        "get": operation(
            "readReadiness",
            "Read what stands in the way of right answers",
            "Each obstacle with its reason and its remedy.",
            tag="Server",
            said="Nothing is in the way.",
            problems=(),
            **with_503(ReadyAnswer, examples.READY, "Something is in the way."),
        )
        | {"security": OPEN}
    },
    "/metrics": {
        "get": operation(
            "readMetrics",
            "Read the metrics",
            "What Prometheus asks for: requests, processes, how every chain stands in the database, and the workers.",
            tag="Server",
            content={"text/plain": METRICS, "application/openmetrics-text": METRICS},
        )
    },
    "/api/v1/schema": {
        "get": operation(
            "readSchema",
            "Read this schema",
            "OpenAPI 3.1.",
            tag="Server",
            content={"application/json": {"schema": {"type": "object"}, "example": {"openapi": "3.1.0"}}},
        )
    },
}
