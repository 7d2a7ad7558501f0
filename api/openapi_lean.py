"""What the schema says of the lean views, which DRF does not know: OpenAPI path items and schemas by name."""

PATHS: dict[str, dict[str, object]] = {}
SCHEMAS: dict[str, object] = {}
