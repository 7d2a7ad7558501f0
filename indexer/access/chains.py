"""Chains that are added and removed stand in the audit; they lie below it, and know nothing of it."""

from typing import Any

from indexer.access.audit import shell_actor
from indexer.access.models import AuditEntry
from indexer.chains.models import Chain


def note_added(instance: Chain, created: bool, **rest: Any) -> None:
    if created:
        note(instance, "add chain")


def note_removed(instance: Chain, **rest: Any) -> None:
    note(instance, "remove chain")


def note(chain: Chain, action: str) -> None:
    """Within the transaction that makes the change; it is made on the server only."""
    target = f"chain id {chain.chain_id}, from block {chain.floor:,}"
    AuditEntry.objects.create(actor=shell_actor(), action=action, chain=chain.slug, target=target, outcome="done")
