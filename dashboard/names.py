"""How things are called on the pages: hubs by their settings, codes with class and side, sides in words."""

from __future__ import annotations

from dataclasses import dataclass

from domain.codes import SHIPPED, SIDE_WORDS, Judgement, judge
from domain.identifiers import province
from domain.settings import HubSettings, Settings


@dataclass(frozen=True, slots=True)
class CodeName:
    """What a code means: its class and side in words; both "" for one that no table knows."""

    klass: str
    side: str


class Names:
    """The settings' words; what they do not name is called by its key."""

    def __init__(self, settings: Settings) -> None:
        self.site = settings.site.name
        self._hubs = {hub.key: hub for hub in settings.hubs}
        self._order = {hub.key: place for place, hub in enumerate(settings.hubs)}
        own = {code.code.upper(): Judgement(code.klass, code.side, True) for code in settings.codes}
        self._codes = {**SHIPPED, **own}

    def hub(self, key: str) -> str:
        """The hub's name."""
        return self._hubs[key].name if key in self._hubs else key

    def does(self, key: str) -> str:
        """What the hub does, in a word; "" where nobody said."""
        return self._hubs.get(key, HubSettings(key=key, name=key)).does

    def hub_order(self, key: str) -> tuple[int, str]:
        """Sorts hubs as the settings list them, others behind by key."""
        return self._order.get(key, len(self._order)), key

    def code(self, code: str) -> CodeName:
        """The meaning of a code that came with no status."""
        found = judge(code, None, self._codes)
        if not found.known:
            return CodeName("", "")
        return CodeName(found.klass, SIDE_WORDS.get(found.side, ""))

    def pharmacy_place(self, number: str) -> str:
        """The province of a pharmacy; "" for a synthetic number."""
        return province(number)
