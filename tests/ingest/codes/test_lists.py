"""Code lists and signal codings: whole, with their marks, and every field of them matters."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import yaml

from ingest.codes.lists import NORMAL, bits_of, canonical, code_lists, concepts, read_concepts, read_lists
from ingest.codes.profiles import CANONICAL, profile_of, profiles, read_fields, read_profiles
from ingest.device_guide import device_guide
from ingest.errors import CodeListError


def resource(name: str) -> str:
    return (files("ingest.codes") / name).read_text(encoding="utf-8")


SIZES = {
    "gbt24476-2017": 23, "gbt24476-2017-chongqing": 26, "gbt24476-2017-platform": 26, "regional-push": 17,
    "supplier-4digit": 13, "vendor-enum": 41, "firmware-escalator": 12, "mnemonic": 10, "bacnet-liftfault": 17,
    "bacnet-escalatorfault": 9, "device-self-diagnosis": 18,
}  # fmt: skip


def test_the_lists_are_whole() -> None:
    assert {name: len(found.codes) for name, found in code_lists().items()} == SIZES


def test_a_code_is_meaningless_without_its_list() -> None:
    assert canonical("gbt24476-2017", "08") == "restart_prevented"
    assert canonical("regional-push", "08") == "open_door_travel"


def test_unmapped_codes_are_kept_with_their_name() -> None:
    code = code_lists()["regional-push"].codes["99"]
    assert (code.zh, code.concept, code.mapped) == ("其他", None, False)
    assert code_lists()["gbt24476-2017"].codes["00"].mapped
    assert bits_of("regional-push", ["99", "00", "nobody"]) == 0


def test_a_sensors_fault_is_not_a_lifts_fault() -> None:
    families = {concepts()[c.concept].family for c in code_lists()["device-self-diagnosis"].codes.values() if c.concept}
    assert families == {"device"}
    wrong = resource("lists.yaml").replace(
        "平层传感器故障 101, concept: sensor_fault", "平层传感器故障 101, concept: overspeed"
    )
    with pytest.raises(CodeListError, match="diagnosis"):
        read_lists(wrong, concepts())


@pytest.mark.parametrize(("code_list", "number", "text"), [("gbt24476-2017", 4, "04"), ("supplier-4digit", 101, "0101"),
                                                           ("vendor-enum", 7, "7"), ("gbt24476-2017", "4", "4")])  # fmt: skip
def test_numbers_get_their_zeros_back(code_list: str, number: int | str, text: str) -> None:
    assert code_lists()[code_list].text_of(number) == text


MUTATIONS: dict[str, Callable[[Any], None]] = {
    "zh of a list": lambda d: d["regional-push"].update(zh="别的"),
    "en of a list": lambda d: d["regional-push"].update(en="other"),
    "mark of a list": lambda d: d["regional-push"].update(mark="M"),
    "width": lambda d: d["gbt24476-2017"].update(width=1),
    "extends": lambda d: d["gbt24476-2017-platform"].pop("extends"),
    "family": lambda d: d["device-self-diagnosis"].pop("family"),
    "zh of a code": lambda d: d["regional-push"]["codes"]["99"].update(zh="别的"),
    "concept of a code": lambda d: d["regional-push"]["codes"]["99"].update(concept="overspeed"),
    "normal": lambda d: d["regional-push"]["codes"]["00"].pop("concept"),
    "mark of a code": lambda d: d["gbt24476-2017"]["codes"]["61"].update(mark="V"),
}


@pytest.mark.parametrize("field", MUTATIONS)
def test_every_field_of_a_list_matters(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document = yaml.safe_load(resource("lists.yaml"))

    def behaviour(lists: Any) -> Any:
        read = read_lists(yaml.safe_dump({"lists": lists}, allow_unicode=True, sort_keys=False), concepts())
        monkeypatch.setattr("ingest.device_guide.code_lists", lambda: read)
        # what a list does: the guide, the zeros, and what its loader forbids
        lists["device-self-diagnosis"]["codes"]["1"]["concept"] = "overspeed"
        try:
            read_lists(yaml.safe_dump({"lists": lists}, allow_unicode=True, sort_keys=False), concepts())
            forbids = False
        except CodeListError:
            forbids = True
        return device_guide(), read["gbt24476-2017"].text_of(4), forbids

    before = behaviour(yaml.safe_load(resource("lists.yaml"))["lists"])
    MUTATIONS[field](document["lists"])
    assert behaviour(document["lists"]) != before


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("mark: V-code, x", "unknown mark"), ("concept: nobody", "unknown concept"), ("extends: nobody", "does not stand"),
    ],
)  # fmt: skip
def test_mistakes_in_a_list_are_named(wrong: str, says: str) -> None:
    entry: dict[str, Any] = {"zh": "x", "en": "x", "mark": "V", "width": 1, "codes": {"1": {"zh": "x"}}}
    key, value = wrong.split(": ")
    if key == "concept":
        entry["codes"]["1"]["concept"] = value
    else:
        entry[key] = value
    with pytest.raises(CodeListError, match=says):
        read_lists(yaml.safe_dump({"lists": {"l": entry}}), concepts())


def test_concepts_are_bits_in_their_order() -> None:
    names = list(concepts())
    # the order is part of saved states: these stand where they stood
    assert names[:3] == ["entrapment", "alarm_button", "safety_chain_open"]
    assert names.index("sensor_fault") == 26
    assert [c.bit for c in concepts().values()] == list(range(len(names)))
    many = {"concepts": [{"name": f"c{n}", "class": "fault", "zh": "x", "en": "x"} for n in range(63)]}
    for document in (many, {"concepts": [*many["concepts"][:2], many["concepts"][0]]},
                     {"concepts": [{"name": NORMAL, "class": "fault", "zh": "x", "en": "x"}]},
                     {"concepts": [{"name": "c", "class": "x", "zh": "x", "en": "x"}]}):  # fmt: skip
        with pytest.raises(CodeListError):
            read_concepts(yaml.safe_dump(document))


def test_booleans_are_zero_one_here_and_one_two_there() -> None:
    fields = {"Door_Zone": 1, "Door_Status": 0, "Passenger_Status": 2, "Message_Code": "01,02"}
    zero_one = read_fields(profiles()["gbt24476-2017-01"], fields)
    one_two = read_fields(profiles()["gbt24476-2017-12"], fields)
    assert zero_one.values == {"door_zone": True, "door_closed": False, "passenger": None}
    assert one_two.values == {"door_zone": True, "door_closed": None, "passenger": False}
    assert zero_one.unmapped == [("Passenger_Status", "2")]
    assert one_two.unmapped == [("Door_Status", "0")]
    assert zero_one.codes == one_two.codes == ["01", "02"]


def test_a_bacnet_field_may_speak_of_two_signals() -> None:
    lift = profiles()["bacnet-lift"]
    assert read_fields(lift, {"Car_Moving_Direction": 3}).values == {"car_direction": 1, "car_moving": True}
    assert read_fields(lift, {"Car_Moving_Direction": 0}).values == {"car_direction": None, "car_moving": None}
    assert read_fields(lift, {"Fault_Signals": [5, 8], "Passenger_Alarm": True}).codes == ["5", "8"]


def test_the_canonical_coding_takes_the_catalogues_names_and_types() -> None:
    lift = profile_of(CANONICAL, "lift")
    told = {"speed_m_s": 1, "door_zone": 1, "car_position": 3, "service_mode": 9, "run_count": 2.0, "x": "y"}
    mapped = read_fields(lift, told)
    assert mapped.values == {
        "speed_m_s": 1, "door_zone": None, "car_position": "3", "service_mode": None, "run_count": 2,
    }  # fmt: skip
    assert [name for name, _ in mapped.unmapped] == ["door_zone", "service_mode", "x"]


def test_a_coding_of_another_kind_is_named() -> None:
    with pytest.raises(CodeListError, match="escalator"):
        profile_of("vendor-frame", "escalator")
    with pytest.raises(CodeListError):
        profile_of(CANONICAL, "spaceship")


PROFILE_MUTATIONS: dict[str, Callable[[Any], None]] = {
    "zh": lambda p: p["vendor-frame"].update(zh="别的"),
    "en": lambda p: p["vendor-frame"].update(en="other"),
    "mark": lambda p: p["vendor-frame"].update(mark="M"),
    "signal": lambda p: p["vendor-frame"]["fields"]["speed"].update(signal="vibration_rms_mm_s"),
    "coding": lambda p: p["vendor-frame"]["fields"]["hasPeople"].update(coding="one-zero"),
    "factor": lambda p: p["vendor-frame"]["fields"]["speed"].update(factor=1.0),
    "absent": lambda p: p["vendor-frame"]["fields"]["temperature"].update(absent=[]),
    "code_list": lambda p: p["vendor-frame"].update(code_list="firmware-escalator", codes={}),
    "codes": lambda p: p["vendor-frame"]["codes"].pop("nowStatus"),
    "map": lambda p: p["vendor-frame"]["codes"]["nowStatus"]["map"].update({3: ["7"]}),
    "carries_nothing": lambda p: p["vendor-frame"]["carries_nothing"].remove("version"),
    "kind": lambda p: p["vendor-frame"].update(kind="escalator", fields={}),
}


@pytest.mark.parametrize("field", PROFILE_MUTATIONS)
def test_every_field_of_a_coding_matters(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"speed": 15, "hasPeople": 1, "temperature": 0, "nowStatus": 3, "version": 1, "direction": 1}

    def behaviour(document: Any) -> Any:
        read = read_profiles(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
        monkeypatch.setattr("ingest.device_guide.profiles", lambda: read)
        mapped = read_fields(read["vendor-frame"], fields)
        return device_guide(), mapped.values, mapped.codes, mapped.unmapped

    before = behaviour(yaml.safe_load(resource("profiles.yaml")))
    changed = yaml.safe_load(resource("profiles.yaml"))
    PROFILE_MUTATIONS[field](changed["profiles"])
    assert behaviour(changed) != before


@pytest.mark.parametrize("coding", yaml.safe_load(resource("profiles.yaml"))["codings"])
def test_every_value_of_a_coding_matters(coding: str) -> None:
    """Each coding is used, and each of its values is what some field says."""
    users = [
        (profile, name, target)
        for profile in profiles().values()
        for name, targets in profile.fields.items()
        for target in targets
        if target.coding == yaml.safe_load(resource("profiles.yaml"))["codings"][coding]
    ]
    assert users
    profile, name, target = users[0]
    for theirs, ours in (target.coding or {}).items():
        assert read_fields(profile, {name: theirs}).values[target.signal.name] == ours


@pytest.mark.parametrize("change", [
    lambda p: p["vendor-frame"].update(kind="nothing"), lambda p: p["vendor-frame"].update(mark="?"),
    lambda p: p["vendor-frame"]["fields"]["speed"].update(signal="nothing"),
    lambda p: p["vendor-frame"]["fields"]["speed"].update(coding="nothing"),
    lambda p: p["vendor-frame"]["fields"]["speed"].update(coding="zero-one"),
    lambda p: p["vendor-frame"]["codes"]["nowStatus"]["map"].update({3: ["nothing"]}),
    lambda p: p["vendor-frame"].update(code_list="nothing"),
])  # fmt: skip
def test_mistakes_in_a_coding_are_named(change: Callable[[Any], None]) -> None:
    document = yaml.safe_load(resource("profiles.yaml"))
    change(document["profiles"])
    with pytest.raises(CodeListError):
        read_profiles(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
