"""What the market is made of. Null is not zero: it is what the source does not say. TVL and volumes are in US dollars.

Nothing is ever removed because an answer lacks it: `vanished_at` says since when.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from indexer.chains.models import Chain


class MarketChain(models.Model):
    """A chain as the source calls it."""

    name = models.CharField(max_length=100, primary_key=True)
    chain_id = models.BigIntegerField(null=True, db_index=True, help_text="EIP-155; null where it has none")
    ours = models.ForeignKey(Chain, models.SET_NULL, null=True, help_text="our chain with that chain id")
    gecko_id = models.CharField("CoinGecko id", max_length=200, null=True)
    cmc_id = models.CharField("CoinMarketCap id", max_length=100, null=True)
    token_symbol = models.CharField(max_length=100, null=True)
    tvl = models.FloatField("TVL", null=True)
    vanished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "market_chains"
        verbose_name = "chain of the source"
        verbose_name_plural = "chains of the source"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Protocol(models.Model):
    """A protocol by the source's id, which stays; its slug does not: see ProtocolAlias."""

    id = models.CharField(max_length=100, primary_key=True)
    slug = models.CharField(max_length=200, db_index=True)
    name = models.CharField(max_length=300)
    symbol = models.CharField(max_length=100, null=True)
    category = models.CharField(max_length=100, null=True, db_index=True)
    address = models.TextField(null=True, help_text="of its token, as the source writes it: chain:0x… or 0x…")
    url = models.TextField("URL", null=True)
    logo = models.TextField(null=True)
    description = models.TextField(null=True)
    twitter = models.CharField(max_length=200, null=True)
    gecko_id = models.CharField("CoinGecko id", max_length=200, null=True)
    cmc_id = models.CharField("CoinMarketCap id", max_length=100, null=True)
    parent = models.CharField(max_length=200, null=True, help_text="the source's id of the protocol that it is part of")
    chains = ArrayField(models.TextField(), default=list)
    listed_at = models.DateTimeField(null=True)
    tvl = models.FloatField("TVL", null=True)
    mcap = models.FloatField("market value", null=True)
    change_1h = models.FloatField("change in 1 hour", null=True, help_text="per cent")
    change_1d = models.FloatField("change in 1 day", null=True, help_text="per cent")
    change_7d = models.FloatField("change in 7 days", null=True, help_text="per cent")
    chain_tvls = models.JSONField(
        "TVL by chain", default=dict, help_text="by chain, and by chain-borrowed, staking, pool2"
    )
    vanished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "protocols"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class ProtocolAlias(models.Model):
    """A slug that a protocol has or had; pools and snapshots of old days still name it so."""

    protocol = models.ForeignKey(Protocol, models.CASCADE, related_name="aliases")
    slug = models.CharField(max_length=200)
    first_at = models.DateTimeField(help_text="when it was first seen")
    last_at = models.DateTimeField(null=True, help_text="when another one took its place; null: it is the slug now")

    class Meta:
        db_table = "protocol_aliases"
        ordering = ["protocol", "first_at"]
        constraints = [models.UniqueConstraint(fields=["protocol", "slug"], name="protocol_aliases_once")]
        indexes = [models.Index(fields=["slug"], name="protocol_aliases_slug")]

    def __str__(self) -> str:
        return self.slug


class Pool(models.Model):
    """A pool by the source's id. APY are per cent, and may be far above 10,000."""

    id = models.UUIDField(primary_key=True)
    chain_name = models.CharField("chain", max_length=100, db_column="chain", help_text="as the source calls it")
    chain_id = models.BigIntegerField(null=True, help_text="EIP-155; null where it has none or nobody knows it")
    project = models.CharField(max_length=200, db_index=True, help_text="the protocol's slug, as the source writes it")
    protocol = models.ForeignKey(Protocol, models.SET_NULL, null=True, related_name="pools")
    symbol = models.TextField()
    pool_meta = models.TextField("poolMeta", null=True)
    underlying_tokens = ArrayField(models.TextField(), null=True)
    reward_tokens = ArrayField(models.TextField(), null=True)
    stablecoin = models.BooleanField(null=True)
    il_risk = models.CharField("IL risk", max_length=20, null=True)
    exposure = models.CharField(max_length=20, null=True)
    tvl = models.FloatField("TVL", null=True)
    apy = models.FloatField("APY", null=True)
    apy_base = models.FloatField("base APY", null=True)
    apy_reward = models.FloatField("reward APY", null=True)
    apy_mean_30d = models.FloatField("mean APY of 30 days", null=True)
    il_7d = models.FloatField("IL of 7 days", null=True)
    volume_1d = models.FloatField("volume of 1 day", null=True)
    volume_7d = models.FloatField("volume of 7 days", null=True)
    outlier = models.BooleanField(null=True)
    url = models.TextField("URL", null=True, help_text="of sources that say it")
    created_at = models.DateTimeField(help_text="when it was first seen")
    vanished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "pools"
        verbose_name = "market pool"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["chain_id", "project"], name="pools_of_chain"),
            models.Index(models.F("tvl").desc(nulls_last=True), "id", name="pools_by_tvl"),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.symbol} on {self.chain_name}"
