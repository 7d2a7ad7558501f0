"""The digest of many logs at once: the texts that stand for them are put together by column. Pure."""

from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.positions.digest import MODULUS
from indexer.rpc import Logs

POWERS = 10 ** np.arange(1, 19, dtype=np.int64)
AT_ONCE = 1024
"""Logs whose texts are put together at once: they fit into a processor's cache."""
FEWEST = 64
"""Logs of one kind that should follow each other, in the mean; where they do not, logs are sorted first."""


def digest_of(logs: Logs, weights: NDArray[np.int64]) -> int:
    """The sum of the logs' digests, each as often as its weight: `log_digest` of whole columns."""
    decimals = np.searchsorted(POWERS, logs.indexes, side="right") + 1
    # Texts of logs with as many topics, bytes of data and digits of the index are equally long.
    kinds = np.stack([logs.topic_counts.astype(np.int64), np.diff(logs.data_ends), decimals])
    changes = _changes(kinds)
    if len(changes) * FEWEST > len(logs):
        order = np.lexsort(kinds)
        logs, weights, kinds = logs.take(order), weights[order], kinds[:, order]
        changes = _changes(kinds)
    total = 0
    for first, last in pairwise([0, *changes.tolist(), len(logs)]):
        for start in range(first, last, AT_ONCE):
            end = min(last, start + AT_ONCE)
            texts = _texts(logs, start, end, *kinds[:, start].tolist())
            whole: list[bytes] = texts.view(f"V{texts.shape[1]}").ravel().tolist()
            digests = b"".join([blake2b(text, digest_size=16).digest() for text in whole])
            words = np.frombuffer(digests, ">u4").reshape(-1, 4).astype(np.int64) * weights[start:end, None]
            total += sum(word << shift for word, shift in zip(words.sum(axis=0).tolist(), (96, 64, 32, 0), strict=True))
    return total % MODULUS


def _changes(kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where logs are of another kind than those before."""
    return np.flatnonzero((np.diff(kinds) != 0).any(axis=0)) + 1


def _texts(logs: Logs, start: int, end: int, topics: int, length: int, decimals: int) -> NDArray[np.uint8]:
    """The text that stands for each of these logs, which have so many topics, bytes of data and digits of the index."""
    rows = slice(start, end)
    values = [logs.hashes[rows], logs.addresses[rows], *(logs.topics[rows, topic] for topic in range(topics))]
    values.append(logs.data[logs.data_ends[start] : logs.data_ends[end]].reshape(end - start, length))
    digits = _hex(np.concatenate(values, axis=1))
    begins = [b"0x", b",0x", *[b"0x", *[b",0x"] * topics][:topics], b";0x"]
    text = b"".join(begin + bytes(2 * value.shape[1]) for begin, value in zip(begins, values, strict=True))
    index_at = 66
    texts = np.empty((end - start, len(text) + decimals), np.uint8)
    texts[:] = np.frombuffer(text[:index_at] + bytes(decimals) + text[index_at:], np.uint8)
    for place in range(decimals):
        texts[:, index_at + place] = logs.indexes[rows] // 10 ** (decimals - 1 - place) % 10 + ord("0")
    at = taken = 0
    for begin, value in zip(begins, values, strict=True):
        at += len(begin)
        width = 2 * value.shape[1]
        texts[:, at : at + width] = digits[:, taken : taken + width]
        at, taken = at + width, taken + width
        at += decimals if at == index_at else 0
    return texts


def _hex(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The hex digits of bytes, row by row: arithmetic on all is faster than to look up each."""
    pairs = values.astype(np.dtype("<u2"))
    digits = ((pairs >> 4) | (pairs << 8)).view(np.uint8)
    digits &= 15
    letters = (digits > 9).view(np.uint8)
    letters *= ord("a") - ord("0") - 10
    digits += ord("0")
    digits += letters
    return digits
