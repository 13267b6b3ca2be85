"""The container files start what they say: two servers on PostgreSQL, ready, and making a song."""

import json
import re
import signal
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from acestep_mcp import settings
from acestep_mcp.commands.parser import parse
from acestep_mcp.hosted import http, options
from acestep_mcp.providers.pixazo.client import KEY_HEADER as GATEWAY_KEY
from tests.hosted.house import KEY_HEADER, Hosted, call
from tests.house import SONG, gateway, shown
from tests.install import containers
from tests.install.composed import composed
from tests.install.containers import COMPOSED, Unset
from tests.install.packages import pypi
from tests.ledger.server import emptied

pytestmark = pytest.mark.anyio
FILES = ("Dockerfile", "Caddyfile", "compose.yaml")
OAUTH = {"ACESTEP_AUTH": "oauth", "ACESTEP_AUTH_ISSUER": "https://login.example.com"}
SCHEMA = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"


def known() -> set[str]:
    return {row.name for row in (*settings.VARIABLES, *options.VARIABLES)}


@pytest.mark.parametrize("file", FILES)
def test_every_variable_of_ours_in_a_file_is_in_a_table(file: str) -> None:
    named = set(re.findall(r"\b(?:ACESTEP|PIXAZO)_[A-Z_]+", containers.text(file)))

    assert named <= {*known(), "PIXAZO_API_KEY_FILE"}


def test_every_variable_in_a_table_can_be_set_unless_it_is_about_folders() -> None:
    environment = COMPOSED["services"]["server"]["environment"]
    folders = {"ACESTEP_DATA_DIR", "ACESTEP_OUTPUT_DIR", "ACESTEP_SAVE"}

    assert known() - set(environment) == {*folders, "PIXAZO_API_KEY"}
    assert "PIXAZO_API_KEY_FILE" in environment


def test_what_the_readme_has_people_write_is_all_that_is_needed_and_none_of_it_is_too_much() -> (
    None
):
    given = containers.documented()

    assert set(given) == set(containers.REQUIRED)
    for name in given:
        with pytest.raises(Unset, match=name):
            containers.server({**given, name: ""})


@pytest.mark.parametrize("more", [{}, OAUTH], ids=["own keys", "oauth"])
def test_the_server_takes_the_environment_that_it_is_given(more: dict[str, str]) -> None:
    start = containers.server({**containers.documented(), **more})
    found = settings.read({**start.env, "HOME": "/nonexistent"}, save="off")
    arguments = parse(start.command[1:])
    read = options.read(Path("/nonexistent"), start.env)

    http.build(found, read, arguments.host)
    assert (found.key, found.save) == (None, False)
    assert found.ledger_place == "PostgreSQL at database/acestep"
    assert read.auth == more.get("ACESTEP_AUTH", "key")
    assert (arguments.host, arguments.port) == ("0.0.0.0", containers.PORT)  # noqa: S104  # as published


def test_a_key_that_is_given_as_a_file_is_mounted_where_the_server_looks() -> None:
    (secret,) = COMPOSED["services"]["server"]["secrets"]
    mounted = COMPOSED["secrets"][secret]["file"]
    start = containers.server(containers.documented())

    assert start.env["PIXAZO_API_KEY_FILE"] == f"/run/secrets/{secret}"
    assert containers.filled(mounted, {"PIXAZO_API_KEY_FILE": "/keys/pixazo"}) == "/keys/pixazo"
    assert containers.filled(mounted, {}) == "/dev/null"


def test_no_file_holds_a_password_and_no_image_floats() -> None:
    said = "\n".join(containers.text(file) for file in FILES)
    secrets = re.findall(r"^ +\w+(?:PASSWORD|SECRET): \"(.+)\"$", said, re.MULTILINE)
    images = re.findall(r"^(?:FROM| +image:) \"?([^\"\n]+)", said, re.MULTILINE)

    assert len(secrets) == 2
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secrets)
    assert re.findall(r"://[^/\s:@]+:([^@]+)@", said) == ["${POSTGRES_PASSWORD:?set it in .env}"]
    assert len(images) == 4
    assert all(re.search(r":\d", each) for each in images)


def test_the_servers_may_write_nothing_and_be_nobody_and_have_time_to_stop() -> None:
    server = COMPOSED["services"]["server"]

    assert (server["read_only"], server["cap_drop"]) == (True, ["ALL"])
    assert server["deploy"]["replicas"] == 2
    assert re.search(r"^USER \d+:\d+$", containers.text("Dockerfile"), re.MULTILINE)
    assert int(server["stop_grace_period"].removesuffix("s")) > 5
    assert "ports" not in server
    assert "ports" not in COMPOSED["services"]["database"]


def test_the_image_copies_what_its_context_lets_in_and_says_the_version_it_is_of() -> None:
    copied = set(re.findall(r"^COPY (.+) /src", containers.text("Dockerfile"), re.MULTILINE))
    let_in = {line[1:] for line in containers.text("Dockerfile.dockerignore").splitlines()}

    assert {name for names in copied for name in names.split()} <= let_in
    assert COMPOSED["services"]["server"]["image"] == f"acestep-mcp:{version('acestep-mcp')}"
    assert f"EXPOSE {containers.PORT}" in containers.text("Dockerfile")


def test_the_proxy_writes_down_no_key_and_hands_calls_to_the_servers_port() -> None:
    said = containers.text("Caddyfile")

    assert f"request>headers>{GATEWAY_KEY} delete" in said
    assert f"dynamic a server {containers.PORT}" in said


def test_each_variable_is_described_as_the_table_describes_it() -> None:
    lines = containers.text("compose.yaml").splitlines()
    notes = {
        following.strip().partition(":")[0]: line.strip().removeprefix("# ")
        for line, following in pairwise(lines)
        if line.strip().startswith("# ")
    }
    for row in (*settings.VARIABLES, *options.VARIABLES):
        if row.name in COMPOSED["services"]["server"]["environment"]:
            assert notes[row.name] == row.says.replace("`", ""), row.name


@pytest.mark.install
def test_the_compose_file_is_valid_by_the_published_schema() -> None:
    from jsonschema import Draft7Validator  # type: ignore[import-untyped, unused-ignore]

    schema = json.loads(pypi("check-jsonschema", "0.39.0", SCHEMA).read_text(encoding="utf-8"))
    checker = Draft7Validator(schema)

    assert list(checker.iter_errors(COMPOSED)) == []
    assert len(list(checker.iter_errors({**COMPOSED, "servces": {}}))) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_two_servers_are_ready_share_a_song_and_stop_when_they_are_told() -> None:
    database = emptied()
    async with gateway() as sandbox, composed(sandbox, database) as (one, two):
        callers = [Hosted(sandbox, each.url) for each in (one, two)]
        async with callers[0].caller(**{KEY_HEADER: sandbox.key}) as first:
            ordered = shown(await call(first, "generate_song", **SONG, wait=0))
        sandbox.complete(ordered["request_id"])
        async with callers[1].caller(**{KEY_HEADER: sandbox.key}) as second:
            asked = {"request_id": ordered["request_id"], "wait": 20}
            done = shown(await call(second, "get_status", **asked))
        well = [await each.health() for each in (one, two)]
        database.stop()
        without_database = await one.health()
        database.start()
        one.process.send_signal(signal.SIGTERM)
        with anyio.fail_after(15):
            stopped = await one.process.wait()

    assert done["status"] == "COMPLETED"
    assert len(sandbox.submissions) == 1
    assert well == [(True, True), (True, True)]
    assert without_database == (True, False)
    assert stopped in {0, -signal.SIGTERM}
