"""Callers with a gateway key of their own."""

from pathlib import Path
from typing import Any

import pytest

from tests.hosted.house import KEY_HEADER, call, hosted
from tests.house import KEY, SONG, shown, text

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_caller_with_a_key_of_their_own_makes_a_song(tmp_path: Path, mode: Any) -> None:
    async with (
        hosted(tmp_path, ACESTEP_AUTH="key") as host,
        host.caller(mode, **{KEY_HEADER: KEY}) as client,
    ):
        ordered = shown(await call(client, "generate_song", **SONG, wait=0))
        host.sandbox.complete(ordered["request_id"])
        done = shown(await call(client, "get_status", request_id=ordered["request_id"], wait=5))

        assert done["status"] == "COMPLETED"
        assert host.sandbox.submissions[0].headers[KEY_HEADER.lower()] == KEY
        for file in (tmp_path / "data").iterdir():
            assert KEY.encode() not in file.read_bytes(), file.name


@pytest.mark.parametrize("given", [{}, {KEY_HEADER: "two words"}, {KEY_HEADER: "x" * 201}])
async def test_without_a_usable_key_nothing_is_bought_and_the_header_is_named(
    tmp_path: Path, given: dict[str, str]
) -> None:
    async with (
        hosted(tmp_path, own_key=KEY, ACESTEP_AUTH="key") as host,
        host.caller(**given) as client,
    ):
        answer = await call(client, "generate_song", **SONG)

        assert answer.is_error
        assert KEY_HEADER in text(answer)
        assert host.sandbox.arrivals == []


async def test_a_key_that_the_gateway_refuses_is_told_in_one_line_that_names_the_header(
    tmp_path: Path,
) -> None:
    async with (
        hosted(tmp_path, own_key=KEY, ACESTEP_AUTH="key") as host,
        host.caller(**{KEY_HEADER: "not-a-key"}) as client,
    ):
        answer = await call(client, "generate_song", **SONG)

        assert answer.is_error
        assert f"refused the key from your request's header {KEY_HEADER}" in text(answer)
        assert "\n" not in text(answer)
        assert "not-a-key" not in text(answer)
        assert len(host.sandbox.submissions) == 1
        assert host.sandbox.jobs == {}


async def test_who_brings_an_unusable_key_to_a_server_with_a_key_does_not_spend_that_one(
    tmp_path: Path,
) -> None:
    async with (
        hosted(tmp_path, own_key=KEY) as host,
        host.caller(**{KEY_HEADER: "two words"}) as client,
    ):
        assert (await call(client, "generate_song", **SONG)).is_error
        assert host.sandbox.arrivals == []


async def test_a_bearer_token_is_never_taken_for_a_key(tmp_path: Path) -> None:
    async with (
        hosted(tmp_path, ACESTEP_AUTH="key") as host,
        host.caller(Authorization=f"Bearer {KEY}") as client,
    ):
        assert (await call(client, "generate_song", **SONG)).is_error
        assert host.sandbox.arrivals == []
