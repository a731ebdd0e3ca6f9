"""Where deliveries lie: a folder or an S3 bucket, listed and fetched in one way."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from orchestration.lib.config_places import FilePlace
from orchestration.lib.errors import FinopsError


@dataclass(frozen=True)
class StoredFile:
    """A file below the root of a source. `version` changes when its content may have changed."""

    key: str
    size: int
    version: str


class Storage(Protocol):
    """Lists and reads what lies below one root."""

    def files(self) -> list[StoredFile]:
        """Every file, sorted by key. Raises FinopsError where the root cannot be listed."""
        ...

    def read(self, key: str) -> bytes:
        """A small file, whole."""
        ...

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """The file on this machine for the length of the context."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    root: Path

    def files(self) -> list[StoredFile]:
        if not self.root.is_dir():
            raise FinopsError(f"{self.root}: no such folder. Check `location` of the source in the configuration.")
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not name.startswith("."):
                    path = Path(folder, name)
                    stat = path.stat()
                    found.append(
                        StoredFile(path.relative_to(self.root).as_posix(), stat.st_size, str(stat.st_mtime_ns))
                    )
        return sorted(found, key=lambda file: file.key)

    def read(self, key: str) -> bytes:
        with self.local(key) as path:
            return path.read_bytes()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self.root / key
        if not os.access(path, os.R_OK):
            raise FinopsError(f"{path}: cannot be read any more. Check that it is there and that you may read it.")
        yield path


@dataclass(frozen=True)
class Bucket:
    """A prefix (empty, or ending in a slash) of an S3 bucket.

    Files are copied to `spool` to be read, one at a time, and removed after.
    """

    client: Any = field(compare=False)
    bucket: str
    prefix: str
    spool: Path

    def files(self) -> list[StoredFile]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            found = [
                StoredFile(entry["Key"].removeprefix(self.prefix), entry["Size"], entry["ETag"].strip('"'))
                for page in pages
                for entry in page.get("Contents", [])
                if not entry["Key"].endswith("/")
            ]
        except (BotoCoreError, ClientError) as error:
            raise FinopsError(
                f"s3://{self.bucket}/{self.prefix}: cannot be listed: {error}. The role needs s3:ListBucket and s3:GetObject."
            ) from error
        return sorted(found, key=lambda file: file.key)

    def read(self, key: str) -> bytes:
        with self.local(key) as path:
            return path.read_bytes()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        from botocore.exceptions import BotoCoreError, ClientError

        folder = self.spool / uuid4().hex
        folder.mkdir(parents=True)
        try:
            path = folder / Path(key).name
            try:
                self.client.download_file(self.bucket, self.prefix + key, str(path))
            except (BotoCoreError, ClientError) as error:
                raise FinopsError(
                    f"s3://{self.bucket}/{self.prefix}{key}: cannot be read: {error}. The role needs s3:GetObject."
                ) from error
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def s3_client(endpoint_url: str | None, region: str | None) -> Any:
    """A client with the credentials of the environment."""
    from dagster_aws.s3 import S3Resource  # takes seconds to import

    return S3Resource(endpoint_url=endpoint_url, region_name=region).get_client()


@contextmanager
def file_at(place: FilePlace, folder: Path, spool: Path) -> Iterator[Path]:
    """The one file of a place, on this machine for the length of the context; a relative path is relative to `folder`.

    That a local file is there is left to who reads it. Raises FinopsError for an object that cannot be had.
    """
    if not place.location.startswith("s3://"):
        yield (folder / Path(place.location).expanduser()).resolve()
        return
    bucket, _, key = place.location.removeprefix("s3://").partition("/")
    with Bucket(s3_client(place.endpoint_url, place.region), bucket, "", spool).local(key) as path:
        yield path


@dataclass(frozen=True)
class Selected:
    """Those files of a storage whose keys match a regular expression."""

    storage: Storage
    keys: str

    def files(self) -> list[StoredFile]:
        return [file for file in self.storage.files() if re.search(self.keys, file.key)]

    def read(self, key: str) -> bytes:
        return self.storage.read(key)

    def local(self, key: str) -> AbstractContextManager[Path]:
        return self.storage.local(key)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
