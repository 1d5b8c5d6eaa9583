"""How fast a target is drained: gently at first, up to its `rate`, and slower when it suffers. Pure.

Additive increase, multiplicative decrease, as TCP does (Chiu and Jain, 1989), judged once a second. The target
suffers when its answers take more than twice as long as they usually do, or are troubled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from deferred.verdict import Trouble

START_SHARE, RISE_SHARE, FALL, LEAST_SHARE = 0.25, 0.125, 0.6, 0.05
SLOW_FACTOR, SLOW_EXTRA_SECONDS = 2.0, 0.05
JUDGE_SECONDS = 1.0
# After such a pause the target is as it was before the first call: begun gently again.
IDLE_SECONDS = 30.0
# How fast what is usual follows what is: by the answer when they get quicker, slowly by the second when slower.
_SMOOTH, _DRIFT = 0.1, 0.005


@dataclass(frozen=True, slots=True)
class Tempo:
    """Calls a second that are allowed now, of `most`; what answers take lately and at the best of times (seconds)."""

    most: float
    rate: float
    judged: float
    recent: float = math.nan
    usual: float = math.nan
    troubled: bool = False


def begin(most: float, now: float) -> Tempo:
    """A target that was not asked yet."""
    return Tempo(most, most * START_SHARE, now)


def begin_again(tempo: Tempo, now: float) -> Tempo:
    """A target that was not asked for a while; what is usual of it stays known."""
    return replace(begin(tempo.most, now), recent=tempo.usual, usual=tempo.usual)


def answered(tempo: Tempo, seconds: float, trouble: Trouble) -> Tempo:
    """After an answer. Troubled ones may come quickly: their time says nothing."""
    if trouble:
        return replace(tempo, troubled=True)
    if math.isnan(tempo.recent):
        return replace(tempo, recent=seconds, usual=seconds)
    recent = tempo.recent + _SMOOTH * (seconds - tempo.recent)
    return replace(tempo, recent=recent, usual=min(recent, tempo.usual))


def is_slow(tempo: Tempo) -> bool:
    """Whether answers take much longer than they usually do."""
    return tempo.recent > SLOW_FACTOR * tempo.usual + SLOW_EXTRA_SECONDS


def judged(tempo: Tempo, now: float) -> tuple[Tempo, str]:
    """The tempo from now on with the reason, "" where it stays."""
    if 0 <= now - tempo.judged < JUDGE_SECONDS:
        return tempo, ""
    tempo = replace(tempo, judged=now, usual=tempo.usual + _DRIFT * (tempo.recent - tempo.usual))
    reason = "troubled answers" if tempo.troubled else "slow answers" if is_slow(tempo) else ""
    if reason:
        return replace(tempo, rate=max(tempo.most * LEAST_SHARE, tempo.rate * FALL), troubled=False), reason
    if tempo.rate < tempo.most and not math.isnan(tempo.recent):
        return replace(tempo, rate=min(tempo.most, tempo.rate + tempo.most * RISE_SHARE)), "answers as usual"
    return tempo, ""
