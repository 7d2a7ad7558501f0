"""A chain in one file: a zip of its tables as COPY writes them, and a manifest that says what must come out of it.

    <table>          the rows, in PostgreSQL's text format
    manifest.json    written last, read first: see Manifest
    (zip comment)    the manifest's SHA-256: the digest of the whole

A file is written under another name and takes its own when it is whole. No Django, no database.
"""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

FORMAT = 1
MANIFEST = "manifest.json"
CHUNK = 1 << 20
LARGEST_MANIFEST = 1 << 24
FAST = 1
"""Of zlib's levels: the next ones take twice the time for a tenth less."""


class ArchiveError(Exception):
    """A file that cannot be written, or is not what it must be; the text says what is wrong with it."""


class Table(Struct, forbid_unknown_fields=True):
    columns: list[str]
    rows: int
    sha256: str


class Manifest(Struct, forbid_unknown_fields=True):
    """`migrations` made the tables, `cursor` and `cursor_hash` are where the latest loop stood (None: never started).

    `sequences` are the last numbers given out, by table and column with a dot between (None: none yet).
    """

    format: int
    made_at: str
    chain: str
    chain_id: int
    floor: int
    migrations: list[str]
    cursor: int | None
    cursor_hash: str | None
    tables: dict[str, Table]
    sequences: dict[str, int | None]


class Writer:
    """Makes the file; it appears when `finish` is done, and never when an error comes before. Raises ArchiveError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        if path.exists():
            raise ArchiveError(f"{path} is there already: remove it, or give another name")
        try:
            self.file = os.fdopen(os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")
        except OSError as error:
            raise ArchiveError(f"{path} cannot be written: {error.strerror}") from None
        self.zip = zipfile.ZipFile(self.file, "w", zipfile.ZIP_DEFLATED, compresslevel=FAST)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # It would complain at the end of its life; what it may still write is thrown away.
        with suppress(OSError, ValueError):
            self.zip.close()
        self.file.close()
        self.partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ArchiveError(f"{self.path} cannot be written: {error.strerror}") from error

    def add(self, name: str, columns: list[str], chunks: Iterable[bytes]) -> Table:
        """Store a table's rows, of any size, chunk by chunk."""
        digest, rows = sha256(), 0
        with self.zip.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                digest.update(chunk)
                rows += chunk.count(b"\n")
                member.write(chunk)
        return Table(columns, rows, digest.hexdigest())

    def finish(self, manifest: Manifest) -> str:
        """Complete the file, and give its digest."""
        text = msgspec.json.format(msgspec.json.encode(manifest))
        self.zip.writestr(MANIFEST, text)
        digest = sha256(text).hexdigest()
        self.zip.comment = digest.encode()
        self.zip.close()
        self.file.flush()
        os.fsync(self.file.fileno())
        self.partial.rename(self.path)
        return digest


class Reader:
    """Reads a file that a Writer made. Everything raises ArchiveError as soon as something is not as it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.zip = zipfile.ZipFile(path)
        except OSError as error:
            raise ArchiveError(f"{path} cannot be read: {error.strerror}") from None
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise ArchiveError(f"{path} is no export of a chain, or not the whole of one") from None
        self.digest = self.zip.comment.decode(errors="replace")
        text = b"".join(self._read(MANIFEST, most=LARGEST_MANIFEST))
        if sha256(text).hexdigest() != self.digest:
            raise ArchiveError(f"{path} is damaged: its manifest is not the one that was written")
        try:
            self.manifest = msgspec.json.decode(text, type=Manifest)
        except msgspec.DecodeError as error:
            raise ArchiveError(f"{path} was made by another version of this program: {error}") from None
        if self.manifest.format != FORMAT:
            raise ArchiveError(f"{path} has format {self.manifest.format}; this program reads format {FORMAT}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.zip.close()

    def chunks(self, name: str) -> Iterator[bytes]:
        """A table's rows; the last step raises where they are not those that the manifest speaks of."""
        table = self.manifest.tables[name]
        digest, rows = sha256(), 0
        for chunk in self._read(name):
            digest.update(chunk)
            rows += chunk.count(b"\n")
            yield chunk
        if (rows, digest.hexdigest()) != (table.rows, table.sha256):
            raise ArchiveError(f"{self.path} is damaged: the rows of {name} are not those that were written")

    def _read(self, name: str, most: int | None = None) -> Iterator[bytes]:
        try:
            with self.zip.open(name) as member:
                total = 0
                while chunk := member.read(CHUNK):
                    total += len(chunk)
                    if most is not None and total > most:
                        raise ArchiveError(f"{self.path} is no export of a chain: its {name} is too large")
                    yield chunk
        except KeyError:
            raise ArchiveError(f"{self.path} is no export of a chain: it has no {name}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError):
            raise ArchiveError(f"{self.path} is damaged: its {name} cannot be read") from None
