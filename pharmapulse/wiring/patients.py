"""The key that patients are hashed under, where a format reads any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pharmapulse.config import Config
from pharmapulse.places import Places
from pharmapulse.wiring.stores import clock

if TYPE_CHECKING:
    from domain.patients import PatientKeys


def reads_patients(config: Config) -> bool:
    """Whether the format of any source says where a patient's number stands."""
    return any(config.formats[source.format].fields.patient for source in config.settings.sources)


def site_key_file(config: Config) -> Path:
    """The file that holds the site's key: the one of the setting, or one in `site.data`."""
    named = config.settings.agent.site_key_file
    return config.file.parent / named if named else Places(config.data).site_key


def patient_keys(config: Config) -> PatientKeys | None:
    """The keys of the site's days; None where no number is read. Raises ConfigError, StoreError."""
    if not reads_patients(config):
        return None
    from store.site_keys import open_site_keys

    # One that was named is shared with other agents: another one made here would count their patients twice.
    made_here = not config.settings.agent.site_key_file
    return open_site_keys(site_key_file(config), clock(config)[0], make=made_here)
