"""Settings of the service, from `DLFLASK_*` environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from dlflask.errors import ConfigError

PREFIX = "DLFLASK_"

#: Variables for the Compose files. A shell may export them, so the service does not reject them.
COMPOSE_VARIABLES = frozenset(
    {
        *("DLFLASK_PORT", "DLFLASK_API_KEYS", "DLFLASK_TLS_PORT", "DLFLASK_TLS_FOLDER"),
        *("DLFLASK_IMAGE", "DLFLASK_NGINX_IMAGE", "DLFLASK_REPLICAS"),
    }
)

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Config:
    """Settings. `DLFLASK_<FIELD>` sets a field. docs/operations.md contains each `help`."""

    model_path: Path = field(
        default=ROOT / "mnist_model.h5",
        metadata={"help": "The Keras model to serve, an `.h5` or `.keras` file."},
    )
    number_model_path: Path = field(
        default=ROOT / "number_model.h5",
        metadata={
            "help": "The Keras model that reads numbers. If the file is missing, the service reads "
            "single digits only."
        },
    )
    graph_folder: Path = field(
        default=ROOT / "build" / "graphs",
        metadata={
            "help": "The folder that keeps converted and compiled models, so that the next start "
            "takes less than a second instead of several seconds. It may be missing or read-only."
        },
    )
    max_upload_bytes: int = field(
        default=16 * 1024 * 1024,
        metadata={
            "help": "Maximum size of an image in bytes. If you change it, also change "
            "`client_max_body_size` in `nginx/conf.d/local.conf`."
        },
    )

    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Allowed values of the header `Host`, separated by commas. `.example.org` also "
            "allows all subdomains. If empty, every value is allowed. Health checks may use any "
            "value."
        },
    )
    allowed_origins: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Origins of other web pages that may call the API from the browser (CORS), "
            "such as `https://app.example.org`, separated by commas. If empty, pages of other "
            "origins may not call the API."
        },
    )
    trusted_proxies: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Addresses and networks of proxies, separated by commas, or `*` for every "
            "address. The service accepts the headers `X-Forwarded-For`, `-Proto`, `-Host` and "
            "`-Prefix` only from these addresses."
        },
    )
    path_prefix: str = field(
        default="",
        metadata={
            "help": "Path under which a proxy publishes the service, such as `/tools/digits`. It "
            "is needed only if the proxy does not send the path in `X-Forwarded-Prefix`."
        },
    )

    def __post_init__(self) -> None:
        if self.max_upload_bytes < 1:
            raise ConfigError(
                f"{PREFIX}MAX_UPLOAD_BYTES is {self.max_upload_bytes}; "
                "it must be a whole number of bytes, at least 1, such as 16777216."
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Read the settings from `environment`.

        Raises:
            ConfigError: The name of a `DLFLASK_*` variable is unknown, or its value is invalid.
        """
        known = {PREFIX + item.name.upper(): item.name for item in fields(cls)}
        values: dict[str, Path | int | str | tuple[str, ...]] = {}
        for name, text in environment.items():
            if not name.startswith(PREFIX) or name in COMPOSE_VARIABLES:
                continue
            if name not in known:
                raise ConfigError(
                    f"{name} is not a setting. The settings are {', '.join(sorted(known))}."
                )
            values[known[name]] = _parse(name, text, type(getattr(cls, known[name])))
        return cls(**values)  # type: ignore[arg-type]  # _parse returns the type of the field


def _parse(name: str, text: str, kind: type) -> Path | int | str | tuple[str, ...]:
    if issubclass(kind, Path):
        return Path(text)
    if issubclass(kind, str):
        return text
    if issubclass(kind, tuple):
        return tuple(text.replace(",", " ").split())
    try:
        return int(text)
    except ValueError:
        raise ConfigError(
            f"{name} is {text!r}; it must be a whole number, written with digits only, such as "
            "16777216."
        ) from None
