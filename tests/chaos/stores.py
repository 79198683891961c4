"""Where a station of the chaos bench keeps things: a folder and SQLite, or a real bucket and a real PostgreSQL, which is killed too."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3

from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.s3_storage import S3Storage
from bodycamd.municipality.station.storage import Storage
from tests.kit.postgres import Postgres
from tests.kit.rgw import Rgw


class Stores(ABC):
    """Of one station, whose folder is `data`."""

    database: Postgres | None = None
    """What may be killed by itself."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Of the station's configuration."""

    @abstractmethod
    def index_url(self, data: Path) -> str: ...

    @abstractmethod
    def storage(self, data: Path) -> Storage: ...

    @abstractmethod
    def footage(self, data: Path, device: str) -> dict[str, str]:
        """Every segment that is there of a camera, in every version, and its SHA-256."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back."""


class FolderAndSqlite(Stores):
    """The default."""

    def lines(self) -> list[str]:
        return []

    def index_url(self, data: Path) -> str:
        return f"sqlite:///{data}/index.sqlite"

    def storage(self, data: Path) -> Storage:
        return FolderStorage(data)

    def footage(self, data: Path, device: str) -> dict[str, str]:
        folder = data / "cameras" / device / "store" / "recordings"
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*/*.tar")}

    def close(self) -> None:
        """There is nothing."""


class BucketAndPostgres(Stores):
    """A Ceph RGW with Object Lock, in memory, and Debian's PostgreSQL. Who may use the bucket stands in the environment."""

    def __init__(self, root: Path) -> None:
        self._opened = ExitStack()
        try:
            self.database = self._opened.enter_context(Postgres())
            rgw = self._opened.enter_context(Rgw(root))
            self._endpoint, self._bucket = rgw.endpoint, f"chaos-{time.time_ns()}"
            self._client: Any = boto3.client("s3", endpoint_url=self._endpoint, region_name="us-east-1")
            self._client.create_bucket(Bucket=self._bucket, ObjectLockEnabledForBucket=True)
        except BaseException:
            self.close()
            raise

    def lines(self) -> list[str]:
        assert self.database is not None
        return [f"index: {self.database.url}", f"s3: {{bucket: {self._bucket}, endpoint: '{self._endpoint}', region: us-east-1}}"]

    def index_url(self, data: Path) -> str:
        assert self.database is not None
        return self.database.url

    def storage(self, data: Path) -> Storage:
        return S3Storage(data, self._bucket, endpoint=self._endpoint, region="us-east-1")

    def footage(self, data: Path, device: str) -> dict[str, str]:
        prefix = f"cameras/{device}/recordings/"
        found: dict[str, str] = {}
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            assert not page.get("DeleteMarkers"), device
            for one in page.get("Versions", ()):
                name = one["Key"].removeprefix(prefix)
                assert name not in found, f"{device}: {name} has two versions"
                body = self._client.get_object(Bucket=self._bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"]
                found[name] = hashlib.sha256(body.read()).hexdigest()
        return found

    def close(self) -> None:
        self._opened.close()
