"""System checks: a wrong configuration is found by `manage.py check`, not an hour later."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from indexer.chains.endpoints import EndpointsError, read_file
from indexer.chains.profiles import ProfileError, read_profiles

CHAINS = "chains"
"""The tag of the checks that every command of ours makes before it begins."""


@register(CHAINS)
def check_profiles(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    try:
        read_profiles()
    except (ProfileError, ValueError) as error:
        return [Error(str(error), hint="Correct config/chains.toml.", id="chains.E001")]
    return []


@register(CHAINS)
def check_rpc_urls_file(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    file = os.environ.get("RPC_URLS_FILE")
    if not file:
        return []
    try:
        read_file(Path(file))
    except EndpointsError as error:
        hint = "Lines are RPC_URLS_<CHAIN>=url,url; # begins a comment."
        return [Error(str(error), hint=hint, id="chains.E002")]
    return []
