"""Secrets and certificates in files: read when they are needed, and told by the setting that names them."""

from __future__ import annotations

import ssl
from pathlib import Path

from domain.errors import ConfigError
from domain.settings import TransportSettings


def secret_in(base: Path, file: str, setting: str) -> str:
    """The secret in a file, white space around it taken off. A relative name is meant from `base`.

    Raises ConfigError where there is none.
    """
    path = base / file
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
        raise ConfigError(
            f"{path} cannot be read: {reason}",
            path=setting,
            mend="Write the secret into it, readable by this user only",
        ) from error
    if not secret:
        raise ConfigError(f"{path} is empty", path=setting, mend="Write the secret into it")
    return secret


def calling(settings: TransportSettings, base: Path) -> ssl.SSLContext:
    """TLS of the end that calls: the other's certificate is always looked at. Raises ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if settings.ca_file:
        # Only those that are named: the system's list has many that have no business here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, base / settings.ca_file, "transport.ca_file")
    if settings.certificate_file:
        _own(context, settings, base)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def called(settings: TransportSettings, base: Path) -> ssl.SSLContext:
    """TLS of the end that is called, which asks for the callers' certificates with `client_ca_file`.

    Raises ConfigError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _own(context, settings, base)
    if settings.client_ca_file:
        _trust(context, base / settings.client_ca_file, "transport.client_ca_file")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _trust(context: ssl.SSLContext, path: Path, setting: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:  # SSLError is one of them
        raise ConfigError(
            f"{path} cannot be read: {error.strerror or error}", path=setting, mend="Name a file of certificates in PEM"
        ) from error


def _own(context: ssl.SSLContext, settings: TransportSettings, base: Path) -> None:
    certificate, key = base / settings.certificate_file, base / settings.key_file
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigError(
            f"{certificate} and {key} cannot be used: {error.strerror or error}",
            path="transport.certificate_file",
            mend="Name a certificate and its key, both in PEM and readable by this user",
        ) from error
