"""What every page of ours tells browsers about itself, whoever serves it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'"
)
"""Nothing but our own files, no script or style within a page. A copy of a page may carry it in itself."""

SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
)
FOREVER = "public, max-age=31536000, immutable"
"""How long what has its version in its address may be kept."""
