"""What every error looks like."""

from http import HTTPStatus
from typing import Any


def problem(response: Any, status: int) -> dict[str, Any]:
    """The body of an error, once its shape is as it must be."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail"}
    assert (body["type"], body["title"], body["status"]) == ("about:blank", HTTPStatus(status).phrase, status)
    return body


def fault(response: Any, status: int) -> dict[str, str]:
    """The one part of the request that is wrong."""
    [only] = problem(response, status)["errors"]
    return dict(only)
