from django.apps import AppConfig


class TaskSamplesConfig(AppConfig):
    name = "tests.tasks.samples"
    label = "task_samples"
