"""Which jobs of a chain are listed: the parameters, and the query they make."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django_tenants.utils import tenant_context

from api.parameters import Address, Choice, Flag, Text
from indexer.chains.models import Chain
from indexer.positions.listing import STATE, STATES
from indexer.positions.models import Job, JobLabel


class TextFilter(django_filters.Filter):
    field_class = Text


class ChoiceFilter(django_filters.Filter):
    field_class = Choice


class FlagFilter(django_filters.Filter):
    field_class = Flag


class AddressFilter(django_filters.Filter):
    field_class = Address


class JobFilter(django_filters.FilterSet):
    """Which jobs of a chain are listed; its querysets are evaluated in the chain's schema."""

    state = ChoiceFilter(field_name="state", choices=STATES, help_text="jobs in this state")
    protocol = TextFilter(method="of_label", help_text="jobs of this protocol")
    product = TextFilter(method="of_label", help_text="jobs of this product")
    source = TextFilter(method="of_label", help_text="jobs that this source names")
    contract = AddressFilter(field_name="contract_address", help_text="jobs of this contract, in any case")
    has_error = FlagFilter(method="with_error", help_text="whether their past could not be read")
    unreadable = FlagFilter(method="with_unreadable", help_text="whether some of their logs could not be read")

    def of_label(self, jobs: QuerySet[Job], name: str, value: str) -> QuerySet[Job]:
        """One label must be all that is asked for."""
        asked = {key: self.form.cleaned_data[key] for key in ("protocol", "product", "source")}
        named = {key: text for key, text in asked.items() if text}
        return jobs.filter(Exists(JobLabel.objects.filter(job_id=OuterRef("pk"), **named)))

    def with_error(self, jobs: QuerySet[Job], name: str, value: bool) -> QuerySet[Job]:
        return jobs.filter(error__isnull=not value)

    def with_unreadable(self, jobs: QuerySet[Job], name: str, value: bool) -> QuerySet[Job]:
        return jobs.filter(unreadable__gt=0) if value else jobs.filter(unreadable=0)


FILTERS = JobFilter(queryset=Job.objects.none()).get_form_class()


def choose_jobs(chain: Chain, asked: dict[str, Any], after: int, limit: int) -> list[int]:
    """The ids of the first jobs behind `after` that the filters let through."""
    with tenant_context(chain):
        jobs = Job.objects.annotate(state=RawSQL(STATE, (), output_field=TextField()))
        chosen = JobFilter(asked, queryset=jobs).qs.filter(id__gt=after).order_by("id")
        return list(chosen.values_list("id", flat=True)[:limit])
