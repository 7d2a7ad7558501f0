"""Which contracts a pool is, how sure that is and by what evidence; what is proposed to be watched because of it."""

from django.db import models
from django.db.models.functions import Now

from indexer.chains.models import Chain
from indexer.market.models.things import Pool

KINDS = [("pool", "pool"), ("token", "token")]
STATES = ("proposed", "accepted", "dismissed")


class ContractMapping(models.Model):
    """A contract of a pool. `confidence` is nothing but what the stored evidence says: see `market.score`."""

    pool = models.ForeignKey(Pool, models.CASCADE, related_name="mappings")
    namespace = models.CharField(max_length=30, help_text="CAIP-2: eip155, solana, aptos, …")
    chain_id = models.BigIntegerField(null=True, help_text="EIP-155; null in other namespaces")
    address = models.TextField(help_text="of eip155 in lower case; otherwise as the chain writes it")
    kind = models.CharField(max_length=10, choices=KINDS, help_text="an underlying token is never the pool")
    confidence = models.FloatField(help_text="0 to 1")
    refuted = models.BooleanField(default=False, help_text="the chain itself contradicts it")
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now(), help_text="when its confidence last changed")

    class Meta:
        db_table = "contract_mappings"
        verbose_name = "contract"
        ordering = ["pool", "-confidence", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "namespace", "chain_id", "address", "kind"],
                name="contract_mappings_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["chain_id", "address"], name="contract_mappings_of")]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"


class MappingEvidence(models.Model):
    """One thing that speaks for a mapping, or against it: see `market.score` for the kinds."""

    mapping = models.ForeignKey(ContractMapping, models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=40)
    source = models.CharField(max_length=100, help_text="who says so: defillama, chain, alchemy, …")
    detail = models.JSONField(default=dict, help_text="what exactly was seen: calls, answers, keys")
    block = models.BigIntegerField(null=True, help_text="at which the chain was asked")
    seen_at = models.DateTimeField(db_default=Now(), help_text="when it was first seen so")

    class Meta:
        db_table = "mapping_evidence"
        verbose_name = "evidence"
        verbose_name_plural = "evidence"
        ordering = ["mapping", "id"]
        constraints = [models.UniqueConstraint(fields=["mapping", "kind", "source"], name="mapping_evidence_once")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.source}"


class WatchProposal(models.Model):
    """A job that a mapping of 0.8 and more suggests; a person accepts it, or the live setting market.accept does."""

    mapping = models.ForeignKey(ContractMapping, models.CASCADE, related_name="proposals")
    chain = models.ForeignKey(Chain, models.CASCADE)
    entry = models.JSONField(help_text="the job as a watch list writes it")
    state = models.CharField(max_length=10, choices=[(state, state) for state in STATES], default="proposed")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    job_id = models.IntegerField(null=True, help_text="in the chain's schema")

    class Meta:
        db_table = "watch_proposals"
        verbose_name = "proposed job"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["mapping", "chain"], name="watch_proposals_once")]
        permissions = [("decide_proposal", "Can accept and dismiss proposed jobs")]

    def __str__(self) -> str:
        return f"{self.state}: {self.mapping}"
