"""Scenarios: what they do to the calls, what the truth says of them, and how wrong ones are told."""

from pathlib import Path

import numpy as np
import pytest

from domain.errors import ConfigError, InputError
from simulator.faults import ORDINARY, Scenario, load_scenario, shipped
from simulator.traffic import Calls, calls_between
from simulator.truth import happened
from simulator.world import World, build_world

from .helpers import start_of

WORLD = build_world(4, load=2)
START = start_of("2026-11-23T10:00")


def scenario(tmp_path: Path, fault: str, world: World = WORLD) -> Scenario:
    path = tmp_path / "s.toml"
    path.write_text(f'version = 1\nname = "s"\n[[fault]]\n{fault}')
    return load_scenario(path, world, START)


def calls(planned: Scenario, begin: float = 0, end: float = 240) -> Calls:
    parts = list(calls_between(WORLD, planned, START + begin, START + end))
    names = Calls.__dataclass_fields__
    return Calls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


DEAD = 'at = "+60s"\nfor = "2m"\nkind = "endpoint-dead"\nwhere = { hub = "dpp", endpoint = "tip.registerData" }\n'
RESTART = 'at = "+60s"\nfor = "2m"\nkind = "hub-restart"\nwhere = { hub = "dpp" }\n'
RELEASE = """at = "+1m"
for = "1m"
kind = "release-breaking"
where = { hub = "dpp", vendor = "softa", version = "9" }
"""


def test_a_dead_endpoint_fails_technically_there_and_then_only(tmp_path: Path) -> None:
    planned = scenario(tmp_path, DEAD)
    with_fault, without = calls(planned), calls(ORDINARY)
    assert (with_fault.time_us == without.time_us).all()
    there = with_fault.operation == WORLD.endpoints.index("tip.registerData")
    then = (with_fault.time_us >= (START + 60) * 1e6) & (with_fault.time_us < (START + 180) * 1e6)
    assert (WORLD.code_class[with_fault.code[there & then]] == 2).all()
    assert (with_fault.code[~(there & then)] == without.code[~(there & then)]).all()
    waited = with_fault.duration_us[there & then] >= 30_000_000
    assert 0.4 < waited.mean() < 0.6


def test_a_breaking_release_fails_its_version_at_its_endpoint(tmp_path: Path) -> None:
    planned = scenario(
        tmp_path,
        'at = "2026-11-23T10:00"\nfor = "1h"\nkind = "release-breaking"\nstrength = 0.75\n'
        'where = { hub = "dpp", endpoint = "pcdh.getData", vendor = "softa", version = "4.2.1" }\n',
    )
    found = calls(planned)
    version = WORLD.pharmacy_version[found.pharmacy]
    theirs = version == planned.faults[0].version
    there = found.operation == WORLD.endpoints.index("pcdh.getData")
    broken = found.code == WORLD.codes.index("SOA-03003")
    assert 0.7 < broken[theirs & there].mean() < 0.8
    assert not broken[there & ~theirs].any()
    assert planned.faults[0].side == "vendor"


def test_an_overloading_pharmacy_adds_a_thousand_calls_an_hour(tmp_path: Path) -> None:
    planned = scenario(tmp_path, 'at = "+0m"\nfor = "1h"\nkind = "pharmacy-overload"\n')
    more = len(calls(planned, 0, 1_200)) - len(calls(ORDINARY, 0, 1_200))
    assert 260 < more < 410
    where = dict(planned.faults[0].where)
    assert (where["hub"], where["endpoint"]) == ("dpp", "pcdh.getData")
    found = calls(planned, 0, 600)
    assert (np.diff(found.time_us) >= 0).all()
    assert (found.pharmacy == WORLD.pharmacies.index(where["pharmacy"])).sum() > 100


def test_a_restart_lets_no_call_of_its_hub_complete(tmp_path: Path) -> None:
    planned = scenario(tmp_path, RESTART)
    dpp, found = WORLD.hubs.index("dpp"), calls(planned, 0, 300)
    there = found.time_us[np.array(WORLD.operation_hub)[found.operation] == dpp] / 1e6 - START
    assert len(there) > 20
    assert not ((there >= 60) & (there < 180)).any()
    elsewhere = np.array(WORLD.operation_hub)[calls(ORDINARY, 0, 300).operation] != dpp
    assert len(found) - len(there) == elsewhere.sum()
    assert (planned.faults[0].side, planned.faults[0].code) == ("hub", -1)


def test_truth_tells_each_occurrence(tmp_path: Path) -> None:
    planned = scenario(tmp_path, DEAD + 'every = "10m"\n')
    told = happened(WORLD, planned, START + 600, START + 1_300)
    assert [(fault.start, fault.end) for fault in told] == [
        ("2026-11-23T09:11:00Z", "2026-11-23T09:13:00Z"),
        ("2026-11-23T09:21:00Z", "2026-11-23T09:23:00Z"),
    ]
    assert told[0].where == {"hub": "dpp", "endpoint": "tip.registerData"}
    assert (told[0].kind, told[0].side, told[0].strength) == ("endpoint-dead", "hub", 1.0)
    assert happened(WORLD, planned, START + 190, START + 600) == []
    assert happened(WORLD, planned, START - 9_000, START) == []


@pytest.mark.parametrize("name", sorted(shipped()))
@pytest.mark.parametrize("pharmacies", [1, 300])
def test_shipped_scenarios_fit_every_world(name: str, pharmacies: int) -> None:
    assert load_scenario(shipped()[name], build_world(9, pharmacies=pharmacies), START).name == name


@pytest.mark.parametrize(
    ("wrong", "place", "mend"),
    [
        (DEAD.replace("endpoint-dead", "dead"), "fault[0].kind", "endpoint-dead, release-breaking"),
        (DEAD.replace('"dpp"', '"ddp"'), "fault[0].where.hub", "ehealth, recipe, dpp"),
        (DEAD.replace("registerData", "register"), "fault[0].where.endpoint", "tip.registerData"),
        (DEAD.replace("+60s", "soon"), "fault[0].at", "+20m"),
        (DEAD.replace('"+60s"', "60"), "fault[0].at", "A fault has"),
        (DEAD.replace('"2m"', '"2 minutes"'), "fault[0].for", "25m"),
        (DEAD.replace('"2m"', '"0m"'), "fault[0].for", "25m"),
        (DEAD + "strength = 1.5\n", "fault[0].strength", "up to 1"),
        (DEAD + "strength = nan\n", "fault[0].strength", "up to 1"),
        (DEAD + 'every = "1m"\n', "fault[0].every", "or longer"),
        (DEAD.replace("endpoint-dead", "hub-restart"), "fault[0].where.endpoint", "a hub only"),
        (DEAD + 'code = "TIP_2O0"\n', "fault[0].code", "TIP_999"),
        (DEAD + "colour = 1\n", "fault[0]", "A fault has"),
        (
            RELEASE,
            "fault[0].where.version",
            "4.2.1",
        ),
        (
            'at = "+1m"\nfor = "1m"\nkind = "pharmacy-overload"\nwhere = { pharmacy = "12345678" }\n',
            "fault[0].where.pharmacy",
            "one from 000001",
        ),
    ],
)
def test_a_wrong_scenario_is_told_with_file_place_and_mend(tmp_path: Path, wrong: str, place: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        scenario(tmp_path, wrong)
    assert caught.value.file == str(tmp_path / "s.toml")
    assert caught.value.path == place
    assert mend in caught.value.mend


def test_files_that_are_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path / "none.toml", WORLD, START)
    with pytest.raises(InputError, match="cannot be read"):
        load_scenario(tmp_path, WORLD, START)
    binary = tmp_path / "b.toml"
    for content in (b"\xff\x00", b"version = ", b"version = 1", b"version = 2\nname = 's'"):
        binary.write_bytes(content)
        with pytest.raises(ConfigError, match=r"b\.toml"):
            load_scenario(binary, WORLD, START)
