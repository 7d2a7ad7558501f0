"""Routes of the REST API."""

from django.urls import path

from api.addresses import Addresses
from api.health import Health, Live, Ready
from api.index import Index
from api.lookups import Lookups
from api.metrics import Metrics
from api.user_pools import UserPools

urlpatterns = [
    path("", Index.as_view()),
    path("health", Health.as_view(), name="health"),
    path("health/live", Live.as_view(), name="live"),
    path("health/ready", Ready.as_view(), name="ready"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("api/v1/addresses/lookup", Lookups.as_view()),
    path("api/v1/addresses/<str:address>", Addresses.as_view()),
    path("user-pools/<str:address>", UserPools.as_view()),
]
