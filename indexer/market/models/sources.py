"""What was asked of which source, and what of its answers was not taken."""

from django.db import models
from django.db.models.functions import Now

REASONS = ("shape", "spike", "duplicate", "bounds")
"""Why a row is not taken."""


class Document(models.Model):
    """The last answer that was taken in of a source's address: it is asked whether that has changed since."""

    name = models.CharField(max_length=200, primary_key=True, help_text="such as defillama:/pools")
    etag = models.TextField(null=True)
    last_modified = models.TextField(null=True)
    digest = models.BinaryField(null=True, help_text="sha256 of the answer")
    rows = models.BigIntegerField(default=0)
    taken_at = models.DateTimeField(help_text="when it was last taken in, or known to be unchanged")
    read_at = models.DateTimeField(null=True, help_text="when its rows were last read")

    class Meta:
        db_table = "market_documents"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RejectedRow(models.Model):
    """A row of an answer that was not taken, with the reason. `spike`: its numbers wait until they are confirmed."""

    task = models.CharField(max_length=100)
    key = models.CharField(max_length=200, help_text="the row's id where it has one, or its place")
    reason = models.CharField(max_length=20, help_text="shape, spike, duplicate or bounds")
    words = models.TextField(help_text="what is wrong, with the path of the field")
    row = models.TextField(help_text="as it came, its first 10,000 characters")
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    times = models.IntegerField(default=1)

    class Meta:
        db_table = "rejected_rows"
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["task", "key", "reason"], name="rejected_rows_once")]

    def __str__(self) -> str:
        return f"{self.task} {self.key}: {self.words}"
