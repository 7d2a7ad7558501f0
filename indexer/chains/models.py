"""Chain: one blockchain, one PostgreSQL schema."""

from types import TracebackType
from typing import Never

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django_tenants.models import TenantMixin

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
