"""The OpenAPI 3.1 description of the lean views, which no generator finds: plain dictionaries, no Django.

PATHS and SCHEMAS go into the generated document as they are: PATHS under `paths`, SCHEMAS under `components.schemas`.
"""

from typing import Any

Json = dict[str, Any]

ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
POOL = "0x028171bCA77440897B824Ca71D1c56caC55b68A3"
NFT = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
HASH = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"
TAG = 'W/"2f0c6f1b9d0e4a7c8b5d3e2f1a0b9c8d"'


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def array_of(items: Json, **more: Any) -> Json:
    return {"type": "array", "items": items, **more}


def object_of(properties: Json, *, optional: tuple[str, ...] = (), **more: Any) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def or_null(schema: Json) -> Json:
    return {"oneOf": [schema, {"type": "null"}]}


ASKED_ADDRESS = {"type": "string", "pattern": "^0[xX][0-9a-fA-F]{40}$", "description": "Hex in any case."}
EIP55 = {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$", "description": "An address in EIP-55."}
BLOCK = {"type": "integer", "minimum": 0, "description": "A block number."}
SLUG = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$", "description": "A chain by name."}

STATE = {
    "chain": SLUG,
    "chain_id": {"type": "integer", "minimum": 1},
    "from": {**BLOCK, "description": "The first block the answer speaks of."},
    "as_of": {**or_null(ref("AsOf")), "description": "The block the answer is true for; null before the first."},
    "head": {"type": ["integer", "null"], "description": "The newest block the chain's node has shown."},
    "complete": {"type": "boolean", "description": "Every watched contract is read from its first block to `as_of`."},
    "check_also": ref("CheckAlso"),
}
POOLS = array_of(ref("FoundPool"), description="By first block, then contract.")

SCHEMAS: dict[str, Json] = {
    "Problem": object_of(
        {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong, and what would be right."},
        },
        description="RFC 9457 problem details.",
    ),
    "AsOf": object_of(
        {
            "block": BLOCK,
            "hash": {"type": "string", "pattern": "^0x[0-9a-f]{64}$"},
            "timestamp": {"type": "integer", "description": "Seconds since 1970."},
            "final": {**BLOCK, "description": "The block that the chain will not take back."},
        }
    ),
    "CheckAlso": object_of(
        {
            "count": {"type": "integer", "minimum": 0},
            "contracts": array_of(EIP55, description="All of them, or the first hundred."),
            "next": {"type": "string", "description": "Where the list goes on; absent where it ends."},
        },
        optional=("next",),
        description="Contracts that must be checked by hand: together with the pools they are never too few.",
    ),
    "FoundPool": object_of(
        {
            "contract": EIP55,
            "labels": array_of(
                object_of({"protocol": {"type": "string"}, "product": {"type": "string"}}),
                description="Whose contract it is, by the watch lists.",
            ),
            "first_block": {**BLOCK, "description": "The earliest block known to touch."},
            "metadata": {
                "type": "object",
                "additionalProperties": array_of({"type": "string"}),
                "description": "Key to values, such as tokenId to numbers.",
            },
        },
        description="A contract with which the address has had a position.",
    ),
    "ChainState": object_of(STATE, description="What a chain says of itself: the same for every address."),
    "ChainAnswer": object_of({**STATE, "pools": POOLS}, description="What a chain says of an address."),
    "AddressLookup": object_of({"address": EIP55, "chains": array_of(ref("ChainAnswer"), description="By chain id.")}),
    "LookupQuestion": object_of(
        {
            "addresses": array_of(ASKED_ADDRESS, minItems=1, maxItems=1000),
            "chains": array_of(SLUG, minItems=1, description="These chains only; all without it."),
        },
        optional=("chains",),
    ),
    "LookupBatch": object_of(
        {
            "chains": array_of(
                ref("ChainState"),
                description="By chain id. A link `next` has {address} where the address belongs that is looked up.",
            ),
            "addresses": array_of(
                object_of(
                    {
                        "address": EIP55,
                        "chains": {
                            "type": "object",
                            "additionalProperties": POOLS,
                            "description": "Pools by chain; a chain on which the address has none is left out.",
                        },
                    }
                ),
                description="Each address once, in the order first given.",
            ),
        }
    ),
    "UserPools": object_of(
        {
            "data": {
                "type": "object",
                "additionalProperties": {
                    "oneOf": [
                        array_of(EIP55),
                        object_of(
                            {
                                "contractAddresses": array_of(EIP55),
                                "metadata": {
                                    "type": "object",
                                    "additionalProperties": array_of({"type": "string"}),
                                    "description": "Contract to values.",
                                },
                            }
                        ),
                    ]
                },
                "description": "By chain id: contracts; with their metadata, where there is any.",
            }
        }
    ),
}

REFUSALS = {
    "400": "The question cannot be answered as it is; `detail` says why.",
    "401": "A key or a login is needed, or the key is not valid.",
    "403": "The caller lacks the scope read.",
    "405": "The method is not possible here.",
    "429": "The key has used up its requests of this minute; Retry-After says when to come back.",
    "503": "The database does not answer.",
}
BODY_REFUSALS = {
    "411": "The body comes in chunks, which this server does not take.",
    "413": "The body is too long.",
    "415": "The body is no JSON by its headers.",
}


def refusals(*extra: dict[str, str]) -> Json:
    texts = dict(sorted({**REFUSALS, **{code: text for more in extra for code, text in more.items()}}.items()))
    content = {"application/problem+json": {"schema": ref("Problem")}}
    return {code: {"description": text, "content": content} for code, text in texts.items()}


def header(description: str, example: str) -> Json:
    return {"description": description, "schema": {"type": "string"}, "example": example}


CACHED = {
    "ETag": header("Changes whenever the answer could.", TAG),
    "Cache-Control": header("As long as the shortest block time of the chains.", "public, max-age=2"),
}
NOT_MODIFIED = {"description": "If-None-Match names the tag of the answer as it is now.", "headers": CACHED}


def answer(schema: str, description: str, example: Json, headers: Json) -> Json:
    content = {"application/json": {"schema": ref(schema), "example": example}}
    return {"description": description, "headers": headers, "content": content}


def parameter(name: str, place: str, description: str, schema: Json, example: str) -> Json:
    named = {"name": name, "in": place, "required": place == "path", "description": description}
    return {**named, "schema": schema, "example": example}


IN_PATH = parameter("address", "path", "An address; its case does not matter.", ASKED_ADDRESS, ADDRESS)
IF_NONE_MATCH = parameter("If-None-Match", "header", "Tags of answers at hand.", {"type": "string"}, TAG)

CHAIN_STATE = {
    "chain": "ethereum",
    "chain_id": 1,
    "from": 0,
    "as_of": {"block": 21680384, "hash": HASH, "timestamp": 1737540000, "final": 21680320},
    "head": 21680384,
    "complete": True,
    "check_also": {"count": 0, "contracts": []},
}
FOUND_POOL = {
    "contract": POOL,
    "labels": [{"protocol": "aave-v2", "product": "a-token"}],
    "first_block": 11362579,
    "metadata": {},
}

PATHS: dict[str, Json] = {
    "/api/v1/addresses/{address}": {
        "get": {
            "operationId": "lookup_address",
            "tags": ["addresses"],
            "summary": "The pools an address has touched, and how sure that is",
            "parameters": [
                IN_PATH,
                parameter(
                    "chain",
                    "query",
                    "Chains by name with commas between; all without it.",
                    {"type": "string"},
                    "ethereum,base",
                ),
                parameter(
                    "check_also",
                    "query",
                    "all: the whole list of contracts to check, by pages; needs one chain.",
                    {"type": "string", "enum": ["all"]},
                    "all",
                ),
                parameter("after", "query", "The last contract of the page before.", ASKED_ADDRESS, POOL),
                IF_NONE_MATCH,
            ],
            "responses": {
                "200": answer(
                    "AddressLookup",
                    "One answer for each chain.",
                    {"address": ADDRESS, "chains": [{**CHAIN_STATE, "pools": [FOUND_POOL]}]},
                    CACHED,
                ),
                "304": NOT_MODIFIED,
                **refusals(),
            },
        }
    },
    "/api/v1/addresses/lookup": {
        "post": {
            "operationId": "lookup_addresses",
            "tags": ["addresses"],
            "summary": "The same for up to a thousand addresses",
            "description": "What holds for every address is said once. All is of one snapshot.",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": ref("LookupQuestion"),
                        "example": {"addresses": [ADDRESS], "chains": ["ethereum"]},
                    }
                },
            },
            "responses": {
                "200": answer(
                    "LookupBatch",
                    "Each address once.",
                    {
                        "chains": [CHAIN_STATE],
                        "addresses": [{"address": ADDRESS, "chains": {"ethereum": [FOUND_POOL]}}],
                    },
                    {"Cache-Control": header("Nothing keeps it.", "no-store")},
                ),
                **refusals(BODY_REFUSALS),
            },
        }
    },
    "/user-pools/{address}": {
        "get": {
            "operationId": "user_pools",
            "tags": ["compatibility"],
            "summary": "The pools of an address, in the shape of the system this one is modelled on",
            "parameters": [
                IN_PATH,
                parameter(
                    "include",
                    "query",
                    "check_also: adds all contracts that must be checked by hand, so that no list is too short.",
                    {"type": "string", "enum": ["check_also"]},
                    "check_also",
                ),
                IF_NONE_MATCH,
            ],
            "responses": {
                "200": answer(
                    "UserPools",
                    "Every chain by its id.",
                    {"data": {"1": {"contractAddresses": [POOL, NFT], "metadata": {NFT: ["123"]}}, "8453": [POOL]}},
                    {
                        **CACHED,
                        "Footprint-Incomplete": header(
                            "Ids of chains whose lists may be too short. Not sent with include=check_also.", "1, 8453"
                        ),
                    },
                ),
                "304": NOT_MODIFIED,
                **refusals(),
            },
        }
    },
}
