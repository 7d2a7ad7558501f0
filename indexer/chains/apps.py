from django.apps import AppConfig


class ChainsConfig(AppConfig):
    name = "indexer.chains"
    label = "chains"
