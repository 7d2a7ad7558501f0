"""API keys, their use, and the record of what was changed by whom."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from indexer.access.scopes import SCOPES


def check_scopes(scopes: list[str]) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        said = f"{', '.join(unknown)} is not known" if unknown else "a key without a scope may do nothing"
        raise ValidationError(f"{said}: scopes are {', '.join(SCOPES)}")


class ApiKey(models.Model):
    """A key that a program shows as `Authorization: Bearer fp_…`. Its text is shown once and never stored."""

    name = models.CharField(max_length=100, unique=True, help_text="Who uses it and for what")
    prefix = models.CharField(max_length=16, unique=True, help_text="How the key begins, to tell keys apart")
    sha256 = models.BinaryField(unique=True, help_text="of the key's text, 32 bytes")
    scopes = ArrayField(
        models.CharField(max_length=40),
        validators=[check_scopes],
        help_text="What it may do: " + ", ".join(SCOPES),
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Over all web servers together; empty: no limit. As many may come at once after a quiet minute",
    )
    enabled = models.BooleanField(default=True, help_text="Off: the key is refused from the next request on")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Refused from then on; empty: never")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=200)

    class Meta:
        db_table = "api_keys"
        ordering = ["name"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name


class ApiKeyUse(models.Model):
    """When a key was used last and when its minute is spent: an unlogged table, empty after a crash of the server."""

    key = models.OneToOneField(ApiKey, models.CASCADE, primary_key=True, related_name="use")
    spent_until = models.DateTimeField(help_text="the time that its requests have used up, one share of a minute each")
    refused = models.BooleanField(help_text="whether the last request was one too many")
    last_used = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "api_key_uses"


class AuditEntry(models.Model):
    """One change that somebody asked for. It is written before the change is made, and completed after."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=200, help_text="a user's name, or key: and an API key's")
    action = models.CharField(max_length=60)
    chain = models.CharField(max_length=40, blank=True)
    target = models.TextField(blank=True, help_text="what was changed")
    outcome = models.TextField(help_text="what came of it; started where the server died meanwhile")

    class Meta:
        db_table = "audit"
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["chain", "-id"], name="audit_of_chain")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"
