"""What the tests of transports share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transport.ways import Closing


@pytest.fixture
def closing() -> Iterator[Closing]:
    """Closes what it was given at the end of the test."""
    closing = Closing()
    yield closing
    closing.close()
