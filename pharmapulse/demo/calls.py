"""The demo's callers: pharmacies' connectors that hand their calls to the deferred gateway, as theirs do.

A call is made until the gateway has taken it, always with the same idempotency key; so what was handed over can be
compared with what arrived at the hub.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence

import numpy as np
import urllib3

from domain.clock import Waker

log = logging.getLogger(__name__)

_RETRY = urllib3.Retry(total=0)
_TIMEOUT = urllib3.Timeout(5.0)
_AGAIN_SECONDS = 1.0
_TAKEN = 202


class Callers:
    """Calls of random pharmacies at `rate` a second to one target of the gateway."""

    def __init__(
        self, gateway: str, target: str, token: str, pharmacies: Sequence[str], patients: Sequence[str], rate: float,
        run: str, waker: Waker,
    ) -> None:  # fmt: skip
        """`run` tells the calls of this start of the demo from those of another."""
        self._url = f"{gateway}/defer/{target}/registerBvac"
        self._token, self._pharmacies, self._patients = token, pharmacies, patients
        self._rate, self._run, self._waker = rate, run, waker
        self._pool = urllib3.PoolManager(retries=_RETRY, timeout=_TIMEOUT)
        self._random = np.random.default_rng()
        self.taken = self._answered = 0

    def run(self, stop: threading.Event) -> None:
        """Call until `stop` is set."""
        number = 0
        while not stop.is_set():
            number += 1
            pharmacy = str(self._random.choice(self._pharmacies))
            patient = str(self._random.choice(self._patients))
            body = json.dumps({"pharmacy": pharmacy, "patient": patient, "receipt": number}).encode()
            while not stop.is_set() and not self._call(f"{self._run}-{number}", pharmacy, body):
                self._waker.wait(_AGAIN_SECONDS)
            self._waker.wait(float(self._random.exponential(1 / self._rate)))

    def _call(self, key: str, pharmacy: str, body: bytes) -> bool:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "Ordering-Key": pharmacy,
        }
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError:
            return False  # the gateway starts, or starts again: called again with the same key
        if answer.status != self._answered:
            self._answered = answer.status
            log.log(
                logging.INFO if answer.status == _TAKEN else logging.WARNING, "the gateway answers %d", answer.status
            )
        if answer.status == _TAKEN:
            self.taken += 1
        return answer.status == _TAKEN
