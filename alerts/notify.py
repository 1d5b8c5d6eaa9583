"""The Notifier through Apprise: each person by all their channels, with the picture where a channel takes one."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import apprise
from apprise.attachment.memory import AttachMemory

from domain.errors import NotifyError
from domain.ports import Delivery
from domain.redact import mask_patients
from domain.settings import Person

TIMEOUT_SECONDS = 30.0
_PICTURE = "graph.png"
_LEAST_SECRET = 4
_PLAIN_HOOKS = ("json", "xml", "form")
_SHARE_NOTHING = ("mailto", *_PLAIN_HOOKS)
# Where each thread's own calls are told: apprise's words go to its result, and not into our log a second time.
logging.getLogger("apprise").propagate = False

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one channel. `channel` is its URL with the secrets masked; `error` is "" where it took it."""

    channel: str
    error: str


class AppriseNotifier:
    """A Notifier. Files of URLs are read at each use, so that a changed one needs no restart. For any thread."""

    def __init__(self, people: Sequence[Person], root: Path) -> None:
        """`root` is the directory that relative `urls_file` are meant from."""
        self._people = {person.name: person for person in people}
        self._root = root
        self._alone, self._making = dict[str, threading.Lock](), threading.Lock()

    def people(self) -> Sequence[str]:
        """Who can be told."""
        return list(self._people)

    def tell(self, person: str, delivery: Delivery) -> None:
        """Tell somebody by all their channels; one that takes it is enough.

        Raises NotifyError where none does. A channel that fails beside one that took it is told in our log.
        """
        sent = self.send(person, delivery)
        failed = [one for one in sent if one.error]
        if len(failed) == len(sent):
            told = "; ".join(f"{one.channel}: {one.error}" for one in failed)
            raise NotifyError(f"{person} could not be told: {told}")
        for one in failed:
            _log.error("%s was told, but not by %s: %s", person, one.channel, one.error)

    def send(self, person: str, delivery: Delivery) -> list[Sent]:
        """Use every channel of somebody; what became of each. Raises NotifyError where there is none to use."""
        known = self._people.get(person)
        if known is None:
            raise NotifyError(f'there is nobody called "{person}" among people any more', retry=False)
        return [self._send(url, delivery, person) for url in urls_of(known, self._root)]

    def _send(self, url: str, delivery: Delivery, person: str) -> Sent:
        """One message at a time of a kind: some of apprise's channels share state between instances.

        Mail and plain hooks share none: a server of somebody's that hangs holds up nobody else.
        """
        with self._making:
            _load_channels()  # which is not for two threads at once
        scheme = url.partition("://")[0].lower()
        if scheme.rstrip("s") in _SHARE_NOTHING:
            return _send(url, delivery, person)
        with self._making:
            alone = self._alone.setdefault(scheme, threading.Lock())
        with alone:
            return _send(url, delivery, person)


def urls_of(person: Person, root: Path) -> list[str]:
    """The URLs of somebody, those of the file too. Raises NotifyError where it cannot be read or there is none."""
    urls = list(person.urls)
    if person.urls_file:
        path = root / person.urls_file
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
            raise NotifyError(f"{path}: {why}") from error
        urls += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not urls:
        raise NotifyError(f"{person.name} has no channel: neither urls nor urls_file name one", retry=False)
    return urls


@cache
def _load_channels() -> None:
    """Load apprise's channels; its mail imports a module of Python 3.11 that warns of its own end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.Apprise.instantiate("json://localhost")


def channel_of(url: str) -> apprise.NotifyBase | None:
    """What apprise makes of a URL, made anew for each message: one that is kept waits between two; None: nothing."""
    _load_channels()
    asset = apprise.AppriseAsset(
        app_id="pharmapulse", app_desc="pharmapulse", app_url="", async_mode=False, secure_logging=True
    )
    found = apprise.Apprise.instantiate(url, asset=asset)
    return found if isinstance(found, apprise.NotifyBase) else None


def masked(url: str) -> str:
    """The URL as it may be shown; only its scheme where apprise cannot read it."""
    channel = channel_of(url)
    return f"{url.partition(':')[0][:20]}://…" if channel is None else _shown(channel)


def _shown(channel: apprise.NotifyBase) -> str:
    """The channel's URL without its secrets; of a plain web hook, whose path may be one, the host only."""
    private = str(channel.url(privacy=True)).partition("?")[0]  # type: ignore[no-untyped-call]  # apprise's is untyped
    scheme, _, rest = private.partition("://")
    if scheme.rstrip("s") in _PLAIN_HOOKS:
        return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"
    return private


def _send(url: str, delivery: Delivery, person: str) -> Sent:
    channel = channel_of(url)
    if channel is None:
        return Sent(masked(url), "this is no URL that apprise knows")
    shown = _shown(channel)
    all_of_it = apprise.Apprise(asset=channel.asset)
    all_of_it.add(channel)
    attach = None
    if delivery.picture is not None:
        picture = AttachMemory(delivery.picture, name=_PICTURE, mimetype="image/png")  # type: ignore[no-untyped-call]
        attach = apprise.AppriseAttachment(picture)
    result = all_of_it.notify(
        mask_patients(delivery.text),
        title=mask_patients(delivery.title),
        body_format=apprise.NotifyFormat.TEXT,
        attach=attach,
        timeout=TIMEOUT_SECONDS,
    )
    if bool(result):
        _log.info("told %s by %s", person, shown)
        return Sent(shown, "")
    words = [str(entry.message) for entry in result.logs()]
    return Sent(shown, _without_secrets(words[-1] if words else "it did not take the message", url))


def _without_secrets(text: str, url: str) -> str:
    """A message of a channel without anything that may be a secret of its URL: parts of user, path and query."""
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = re.sub(re.escape(secret), "…", text)
    return mask_patients(" ".join(text.split()))


def _secrets(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    values = [
        parts.password or "",
        parts.username or "",
        *parts.path.split("/"),
        *dict(parse_qsl(parts.query)).values(),
    ]
    for value in values:
        for form in {value, unquote(value)}:
            if len(form) >= _LEAST_SECRET:
                yield form
