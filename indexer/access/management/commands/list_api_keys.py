"""List the API keys."""

from typing import Any

from indexer.access.models import ApiKey
from indexer.chains.command import FootprintCommand


class Command(FootprintCommand):
    help = "List the API keys: how each begins, what it may do, and when it was used last."

    def handle(self, *args: Any, **options: Any) -> None:
        for key in ApiKey.objects.select_related("use"):
            used = f"last used {key.use.last_used:%Y-%m-%d %H:%M} UTC" if hasattr(key, "use") else "not used"
            limit = f"{key.requests_per_minute:,} a minute" if key.requests_per_minute else "no limit"
            parts = [key.prefix, ", ".join(key.scopes), limit, used]
            parts += [] if key.enabled else ["disabled"]
            parts += [f"expires {key.expires_at:%Y-%m-%d %H:%M} UTC"] if key.expires_at else []
            self.stdout.write(f"{key.name}: {'; '.join(parts)}")
