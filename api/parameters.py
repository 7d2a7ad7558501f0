"""Query parameters: declared as forms, read strictly, and described for the schema from the same declaration."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from api.openapi_parts import sentence
from api.problems import Fault
from api.questions import find_faults, refuse
from indexer.positions.address import parse_address

LONGEST = 200
PAGE = 100
LONGEST_PAGE = 1000
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
REAL = r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?"


class Text(forms.CharField):
    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(max_length=LONGEST, required=required, **options)

    @property
    def schema(self) -> dict[str, object]:
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


class Number(forms.IntegerField):
    """A whole number in decimal digits and nothing else."""

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(required=required, **options)

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
            raise ValidationError("A whole number is needed.")
        return int(value)

    @property
    def schema(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.min_value, "maximum": self.max_value, "default": self.initial}


class Real(forms.FloatField):
    """A finite number, with a point where it is not whole."""

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(required=required, **options)

    def to_python(self, value: Any) -> float | None:  # type: ignore[override]  # the stubs take it for whole numbers
        if value not in self.empty_values and not re.fullmatch(REAL, value, re.ASCII):
            raise ValidationError("A number is needed.")
        return super().to_python(value)

    @property
    def schema(self) -> dict[str, object]:
        return {"type": "number", "minimum": self.min_value, "maximum": self.max_value}


class Day(forms.Field):
    """A day as ISO 8601 writes it."""

    schema: Mapping[str, object] = {"type": "string", "format": "date"}

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(required=required, **options)

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values:
            return None
        try:
            # It takes weeks and days without hyphens, too, which the schema does not.
            if re.fullmatch(DAY, value, re.ASCII):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ValidationError("A day is needed, as in 2026-01-31.")


class Choice(forms.ChoiceField):
    def __init__(self, *, choices: tuple[str, ...], required: bool = False, **options: Any) -> None:
        self.names = choices
        named = [(choice, choice) for choice in choices]
        said = {"invalid_choice": f"It is one of {', '.join(choices)}."}
        super().__init__(choices=named, required=required, error_messages=said, **options)

    @property
    def schema(self) -> dict[str, object]:
        return {"type": "string", "enum": list(self.names), "default": self.initial}


class Flag(forms.TypedChoiceField):
    """True, False, or None where it is not given."""

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(
            choices=[("true", "true"), ("false", "false")],
            coerce=lambda text: text == "true",
            empty_value=None,
            required=required,
            error_messages={"invalid_choice": "It is true or false."},
            **options,
        )

    schema: Mapping[str, object] = {"type": "boolean"}


class Address(forms.Field):
    """20 bytes, from hex in any case."""

    pattern = "0[xX][0-9a-fA-F]{40}"
    schema: Mapping[str, object] = {"type": "string", "pattern": f"^{pattern}$"}

    def __init__(self, *, required: bool = False, **options: Any) -> None:
        super().__init__(required=required, **options)

    def to_python(self, value: Any) -> bytes | None:
        if value in self.empty_values:
            return None
        try:
            return parse_address(value, strict=False)
        except ValueError as error:
            raise ValidationError(f"It is {error}.") from None


class Cursor(Text):
    """Where a page begins, as `next` of the page before writes it."""

    def __init__(self, *, pattern: str, **options: Any) -> None:
        self.pattern = pattern
        super().__init__(help_text="where the page begins: take it from `next` of the page before", **options)

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value)
        if text and not re.fullmatch(self.pattern, text, re.ASCII):
            raise ValidationError("It is none: take it from `next` of the page before.")
        return text

    @property
    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


class PageForm(forms.Form):
    """Pages follow each other by key, so rows that come meanwhile neither repeat nor hide others.

    Subclasses add the field `cursor`.
    """

    limit = Number(min_value=1, max_value=LONGEST_PAGE, initial=PAGE, help_text="rows on a page")


def read_parameters(query: QueryDict, *forms_: type[forms.Form]) -> dict[str, Any]:
    """The values of every declared parameter, its initial one or None where it is not given.

    Raises Problem naming every parameter that is unknown, given twice, empty or wrong.
    """
    bound = [form(query) for form in forms_]
    fields = {name: field for form in bound for name, field in form.fields.items()}
    faults = list(find_faults(query, {name: str(field.help_text) for name, field in fields.items()}))
    told = {fault.parameter for fault in faults}
    for form in bound:
        for name, texts in form.errors.items():
            # An empty one that is needed is wrong once.
            if name not in told:
                faults.append(Fault(f"{name}: {' '.join(map(str, texts))}", parameter=name))
    refuse(faults)
    read = {name: value for form in bound for name, value in form.cleaned_data.items()}
    return {name: fields[name].initial if value in (None, "") else value for name, value in read.items()}


def describe_parameters(*forms_: type[forms.Form]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            name,
            {key: value for key, value in field.schema.items() if value is not None},  # type: ignore[attr-defined]
            description=sentence(str(field.help_text)),
            required=field.required,
        )
        for form in forms_
        for name, field in form.base_fields.items()
    ]


def next_page(path: str, query: QueryDict, cursor: str) -> str:
    """The link to the page behind this one: the same question, from `cursor` on."""
    asked = {name: str(query[name]) for name in query if name != "cursor"}
    return f"{path}?{urlencode(asked | {'cursor': cursor})}"
