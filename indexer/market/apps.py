from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "indexer.market"
    label = "market"
