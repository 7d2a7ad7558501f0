"""What every page of the admin says while maintenance is on."""

from django import template

from indexer.workers.live import MAINTENANCE
from indexer.workers.live_values import web_values

register = template.Library()


@register.inclusion_tag("workers/admin/maintenance.html")
def maintenance_banner() -> dict[str, object]:
    values = web_values()
    return {"is_on": values.switch(MAINTENANCE), "meaning": MAINTENANCE.meaning, "set_by": values.set_by(MAINTENANCE)}
