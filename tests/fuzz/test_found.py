"""What fuzzing found, as small as it goes: each broke something once."""

from __future__ import annotations

import pytest

from domain.errors import WireError
from domain.wire import decode_heartbeat


def test_a_heartbeat_that_is_no_text_is_refused() -> None:
    with pytest.raises(WireError, match="not a heartbeat"):
        decode_heartbeat(b'{"version":2,"agent":"\x80"}')
