from django.apps import AppConfig


class SamplesConfig(AppConfig):
    name = "tests.workers.samples"
    label = "samples"
