"""What the admin's own forms change stands in the audit, too."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from indexer.access.models import AuditEntry
from indexer.access.strict import StrictAdmin


class AuditedAdmin(StrictAdmin):
    """Writes an entry within the transaction that makes the change, so that neither is there without the other."""

    def standing(self, obj: Any) -> str:
        """What a row amounts to after its change, in words; that a field was changed does not say to what."""
        return ""

    def say(self, what: str, obj: Model) -> str:
        return "; now ".join(filter(None, (what, self.standing(obj))))

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        note(request, f"add {self.opts.verbose_name}", str(obj), self.say("done", obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        entry = super().log_change(request, obj, message)
        note(request, f"change {self.opts.verbose_name}", str(obj), self.say(entry.get_change_message(), obj))
        return entry

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Model]) -> Any:
        for obj in queryset:
            note(request, f"delete {self.opts.verbose_name}", str(obj))
        return super().log_deletions(request, queryset)


def note(request: HttpRequest, action: str, target: str, outcome: str = "done") -> None:
    AuditEntry.objects.create(actor=request.user.get_username(), action=action, target=target, outcome=outcome)
