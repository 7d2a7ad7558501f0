"""What every page of the admin says while maintenance is on."""

from django import template
from django.template import Context

from indexer.workers.live import MAINTENANCE
from indexer.workers.live_values import web_values

register = template.Library()


@register.inclusion_tag("workers/admin/maintenance.html", takes_context=True)
def maintenance_banner(context: Context) -> dict[str, object]:
    values = web_values()
    return {
        "is_on": values.switch(MAINTENANCE),
        "meaning": MAINTENANCE.meaning,
        "set_by": values.set_by(MAINTENANCE),
        "may_change": context["request"].user.has_perm("workers.change_livevalue"),
    }
