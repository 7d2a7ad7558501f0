"""Chain: one blockchain, one PostgreSQL schema; and for all of them, what endpoints said that nobody knew."""

from types import TracebackType
from typing import Never

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django_tenants.models import TenantMixin

from indexer.rpc import MEANINGS, taught_rule
from indexer.rpc.rulebook import LONGEST_TAUGHT, SHOWN

SLUG = RegexValidator(
    r"^[a-z][a-z0-9_]{0,39}\Z", "a chain's slug is lower-case letters, digits and _, begins with a letter, 40 at most"
)


def schema_of(slug: str) -> str:
    """The schema that holds a chain's tables; the prefix keeps slugs away from PostgreSQL's own names."""
    return f"chain_{slug}"


class Chain(TenantMixin):  # type: ignore[misc]  # django-tenants has no type information
    """A chain is a django-tenants tenant without a Domain: its jobs and logs live in its own schema."""

    slug = models.CharField(max_length=40, unique=True, validators=[SLUG])
    chain_id = models.BigIntegerField(
        unique=True, validators=[MinValueValidator(1)], help_text="EIP-155 chain id, as eth_chainId answers it"
    )
    floor = models.BigIntegerField(default=0, help_text="The first block that answers speak of; shown as `from`")
    created_at = models.DateTimeField(auto_now_add=True)

    auto_create_schema = True

    class Meta:
        ordering = ["chain_id"]
        constraints = [models.CheckConstraint(condition=models.Q(floor__gte=0), name="chain_floor_not_negative")]

    def __str__(self) -> str:
        return str(self.slug)

    def __enter__(self) -> Never:
        # TenantMixin keeps the previous tenant in a list shared by all threads, which restores wrong schemas.
        raise RuntimeError("use django_tenants.utils.tenant_context(chain) instead of `with chain:`")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        raise RuntimeError("use django_tenants.utils.tenant_context(chain) instead of `with chain:`")


class EndpointLimits(models.Model):
    """What was learned of one endpoint of a chain, known by its label: indexer.rpc.Limits as JSON.

    Workers write it now and then and read it when they start. `forget` asks the next one that writes to begin anew.
    """

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="endpoint_limits")
    label = models.CharField(max_length=100)
    limits = models.JSONField(default=dict)
    forget = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "endpoint_limits"
        ordering = ["chain__chain_id", "label"]
        verbose_name = verbose_name_plural = "endpoint limits"
        constraints = [models.UniqueConstraint(fields=["chain", "label"], name="endpoint_limits_unique")]

    def __str__(self) -> str:
        return f"{self.label} of {self.chain.slug}"


MOST_RULES = 200
"""Enabled rules: each is looked for in every refusal that nobody knows."""


class TaughtRule(models.Model):
    """What an operator says that a provider's text means. That never changes: another rule takes its place."""

    pattern = models.CharField(
        "text",
        max_length=LONGEST_TAUGHT,
        help_text="The telling part, as it came: capitals and spaces do not matter and nothing in it is special, but "
        "{NUM} stands for any number, and {LIMIT} for the greatest number of blocks per request",
    )
    meaning = models.CharField(
        max_length=20,
        choices=[(kind.__name__, f"{kind.__name__}: {does}") for kind, does in MEANINGS.items()],
        help_text="What it means, and what the worker then does",
    )
    note = models.TextField(blank=True, help_text="Why, and how you know: a link to the provider's words")
    enabled = models.BooleanField(default=True, help_text="Off: the text is unknown again, within a minute")
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "taught_rules"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["pattern"],
                condition=models.Q(enabled=True),
                name="taught_rule_once",
                violation_error_message="A rule for this text is taught and enabled already: disable that one first.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.meaning}: {self.pattern}"

    def clean(self) -> None:
        if not self.enabled:
            return
        try:
            taught_rule(self.pattern, self.meaning)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if TaughtRule.objects.filter(enabled=True).exclude(pk=self.pk).count() >= MOST_RULES:
            raise ValidationError(f"{MOST_RULES} rules are enabled, more would slow the reading: disable some first")


class UnknownText(models.Model):
    """A refusal that neither the table nor a taught rule knew, in the provider's words, without secrets."""

    chain = models.ForeignKey(Chain, models.CASCADE, related_name="unknown_texts")
    label = models.CharField("endpoint", max_length=100)
    code = models.IntegerField(null=True, help_text="of JSON-RPC")
    status = models.SmallIntegerField(null=True, help_text="of HTTP")
    method = models.CharField(max_length=60)
    text = models.CharField(max_length=SHOWN)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    count = models.BigIntegerField()

    class Meta:
        db_table = "unknown_texts"
        ordering = ["-last_seen", "-id"]
        constraints = [models.UniqueConstraint(fields=["chain", "label", "text"], name="unknown_text_once")]

    def __str__(self) -> str:
        return self.text
