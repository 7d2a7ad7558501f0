from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "indexer.tasks"
    label = "tasks"
