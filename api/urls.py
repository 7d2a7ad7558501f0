"""Routes of the REST API."""

from django.urls import path

from api.addresses import Addresses
from api.chains import ChainDetail, Chains
from api.coverage import Coverage
from api.docs import Docs, Schema
from api.health import Health, Live, Ready
from api.index import Index
from api.jobs import JobItem, JobRescan, Jobs
from api.lookups import Lookups
from api.market.chains import MarketChains
from api.market.mappings import MarketMappings
from api.market.pools import MarketPoolItem, MarketPools
from api.market.proposals import ProposalAccept, ProposalDismiss, ProposalItem, Proposals
from api.market.protocols import ProtocolItem, Protocols
from api.market.rejected import RejectedRows
from api.market.snapshots import PoolSnapshots, ProtocolSnapshots
from api.metrics import Metrics
from api.pools import PoolAddressItems, PoolItem, Pools
from api.proofs import Proofs
from api.support import Support
from api.task_runs import TaskBackfill, TaskPartitions, TaskRunCancel, TaskRunItem, TaskRunRetry, TaskRuns
from api.tasks import TaskItem, Tasks, TaskScheduleItem
from api.user_pools import UserPools
from api.watch_lists import WatchLists
from api.workers import Workers

urlpatterns = [
    path("", Index.as_view()),
    path("health", Health.as_view(), name="health"),
    path("health/live", Live.as_view(), name="live"),
    path("health/ready", Ready.as_view(), name="ready"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("api/v1/addresses/lookup", Lookups.as_view()),
    path("api/v1/addresses/<str:address>", Addresses.as_view()),
    path("api/v1/addresses/<str:address>/proof", Proofs.as_view()),
    path("api/v1/chains", Chains.as_view()),
    path("api/v1/chains/<str:chain>", ChainDetail.as_view()),
    path("api/v1/chains/<str:chain>/coverage", Coverage.as_view()),
    path("api/v1/chains/<str:chain>/jobs", Jobs.as_view()),
    path("api/v1/chains/<str:chain>/jobs/<int:job>", JobItem.as_view()),
    path("api/v1/chains/<str:chain>/jobs/<int:job>/rescan", JobRescan.as_view()),
    path("api/v1/market/chains", MarketChains.as_view()),
    path("api/v1/market/mappings", MarketMappings.as_view()),
    path("api/v1/market/pools", MarketPools.as_view()),
    path("api/v1/market/pools/<str:pool>", MarketPoolItem.as_view()),
    path("api/v1/market/pools/<str:pool>/snapshots", PoolSnapshots.as_view()),
    path("api/v1/market/proposals", Proposals.as_view()),
    path("api/v1/market/proposals/<int:proposal>", ProposalItem.as_view()),
    path("api/v1/market/proposals/<int:proposal>/accept", ProposalAccept.as_view()),
    path("api/v1/market/proposals/<int:proposal>/dismiss", ProposalDismiss.as_view()),
    path("api/v1/market/protocols", Protocols.as_view()),
    path("api/v1/market/protocols/<str:protocol>", ProtocolItem.as_view()),
    path("api/v1/market/protocols/<str:protocol>/snapshots", ProtocolSnapshots.as_view()),
    path("api/v1/market/rejected", RejectedRows.as_view()),
    path("api/v1/pools", Pools.as_view()),
    path("api/v1/pools/<str:chain>/<str:contract>", PoolItem.as_view()),
    path("api/v1/pools/<str:chain>/<str:contract>/addresses", PoolAddressItems.as_view()),
    path("api/v1/tasks", Tasks.as_view()),
    path("api/v1/tasks/<str:task>", TaskItem.as_view()),
    path("api/v1/tasks/<str:task>/backfill", TaskBackfill.as_view()),
    path("api/v1/tasks/<str:task>/partitions", TaskPartitions.as_view()),
    path("api/v1/tasks/<str:task>/runs", TaskRuns.as_view()),
    path("api/v1/tasks/<str:task>/runs/<int:run>", TaskRunItem.as_view()),
    path("api/v1/tasks/<str:task>/runs/<int:run>/cancel", TaskRunCancel.as_view()),
    path("api/v1/tasks/<str:task>/runs/<int:run>/retry", TaskRunRetry.as_view()),
    path("api/v1/tasks/<str:task>/schedules/<int:schedule>", TaskScheduleItem.as_view()),
    path("api/v1/watch-lists", WatchLists.as_view()),
    path("api/v1/workers/status", Workers.as_view()),
    path("support", Support.as_view()),
    path("user-pools/<str:address>", UserPools.as_view()),
    path("api/v1/schema", Schema.as_view()),
    path("api/v1/docs", Docs.as_view()),
]
