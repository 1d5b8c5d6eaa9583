"""The button for other sites: shape, word and colour of a state as a small SVG picture, as wide as its words."""

from __future__ import annotations

import unicodedata
from html import escape
from types import MappingProxyType

from domain.published import PublicState

HEIGHT = 28
_SIZE, _PAD, _SHAPE = 13, 10, 16
_LONGEST = 60

# White words on these are read with a contrast of at least 4.5 to 1.
COLOURS: MappingProxyType[PublicState, str] = MappingProxyType(
    {
        "works": "#00795a",
        "maintenance": "#0b5cad",
        "kept": "#8c4a73",
        "some-fail": "#9a5b00",
        "fails": "#c43e00",
        "unknown": "#63686d",
    }
)
# Drawn, as not every machine has every sign in its fonts. Ten by ten, from the corner.
_SHAPES: MappingProxyType[PublicState, str] = MappingProxyType(
    {
        "works": '<circle cx="5" cy="5" r="4.5"/>',
        "maintenance": '<path d="M5 0l5 5-5 5-5-5z"/>',
        "kept": '<path d="M1 .5h3v9h-3zM6 .5h3v9h-3z"/>',
        "some-fail": '<path d="M5 .5l5 9h-10z"/>',
        "fails": '<path d="M.5 .5h9v9h-9z"/>',
        "unknown": '<circle cx="5" cy="5" r="3.8" fill="none" stroke="#fff" stroke-width="1.6"/>',
    }
)
# Widths of letters in thousandths of their size, in the sans-serifs that browsers come with. Not exact, nor need they
# be: the words are told how long to be.
_WIDTHS = (
    (340, " !',.:;/|IJijl’\u00a0\u202f"),
    (400, '()[]ftr-"'),
    (545, "csz_*vxykFLE?–"),
    (980, "mwMWœŒ%@…"),
    (760, "AÄBCDGHKNOQRUÜVXYZ&+=<>~#"),
)
_WIDTH = {letter: width for width, letters in _WIDTHS for letter in letters}
_COMMON, _WIDE = 630, 1000


def width(text: str) -> int:
    """About how wide a text is, in pixels."""
    thousandths = sum(map(_letter, unicodedata.normalize("NFC", text)))
    return round(thousandths * _SIZE / 1000)


def _letter(letter: str) -> int:
    plain = unicodedata.normalize("NFD", letter)[0]
    if letter in _WIDTH or plain in _WIDTH:
        return _WIDTH.get(letter, _WIDTH.get(plain, _COMMON))
    if unicodedata.combining(letter):
        return 0
    return _WIDE if unicodedata.east_asian_width(letter) in "WF" else _COMMON


def button(label: str, state: PublicState, word: str, language: str) -> str:
    """The picture: what it is of on the left, how that is on the right."""
    label = _shown(label)
    whole = escape(f"{label}: {word}")
    left = width(label) + 2 * _PAD
    right = width(word) + 2 * _PAD + _SHAPE
    total, baseline = left + right, HEIGHT / 2 + _SIZE * 0.36
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{HEIGHT}" viewBox="0 0 {total} {HEIGHT}" '
        f'role="img" aria-label="{whole}" lang="{language}"><title>{whole}</title>'
        f'<path fill="#33373b" d="M5 0h{left - 5}v{HEIGHT}h-{left - 5}a5 5 0 0 1-5-5v-{HEIGHT - 10}a5 5 0 0 1 5-5z"/>'
        f'<path fill="{COLOURS[state]}" '
        f'd="M{left} 0h{right - 5}a5 5 0 0 1 5 5v{HEIGHT - 10}a5 5 0 0 1-5 5h-{right - 5}z"/>'
        f'<g transform="translate({left + _PAD} {HEIGHT / 2 - 5:g})" fill="#fff">{_SHAPES[state]}</g>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_SIZE}">'
        f"{_text(label, _PAD, baseline)}{_text(word, left + _PAD + _SHAPE, baseline)}</g></svg>\n"
    )


def _text(text: str, x: int, y: float) -> str:
    return f'<text x="{x}" y="{y:g}" textLength="{width(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'


def _shown(label: str) -> str:
    """A label without what no picture can hold, and not endless."""
    clean = "".join(letter for letter in label if letter.isprintable()).strip()
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"
