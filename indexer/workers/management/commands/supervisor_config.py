"""Print supervisord's configuration for the chains."""

from typing import Any

from indexer.workers.configuration import write_configuration
from indexer.workers.plan import PlanningCommand, misconfigured
from indexer.workers.programs import ProgramsError


class Command(PlanningCommand):
    help = (
        "Print what run_workers would give to supervisord: a worker for each chain, helpers with the past and the web "
        "server as asked for. It has no secrets; the programs inherit their environment from supervisord."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        plan = self.plan(options)
        try:
            self.stdout.write(write_configuration(plan.programs, plan.layout), ending="")
        except ProgramsError as error:
            raise misconfigured(error) from error
