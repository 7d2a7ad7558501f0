"""Routes of the REST API."""

from django.urls import path

from api.addresses import Addresses
from api.health import Health
from api.index import Index

urlpatterns = [
    path("", Index.as_view()),
    path("health", Health.as_view()),
    path("api/v1/addresses/<str:address>", Addresses.as_view()),
]
