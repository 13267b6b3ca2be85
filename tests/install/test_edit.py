"""Putting one entry into a JSON text: everything else stays as it was, to the byte."""

import json
from typing import Any

import pytest

from acestep_mcp.install.edit import NotEditable, with_server

SERVER: dict[str, Any] = {"command": "/opt/bin/acestep-mcp", "args": []}
OTHER = '"other": {"command":"x", "args":[ 1.50, 1e2 ],"note":"caf\\u00e9 \\/ 夜"}'


def put(text: str, **server: Any) -> str:
    return with_server(text, "mcpServers", {**SERVER, **server})


@pytest.mark.parametrize("text", ["", "{}", "{ }\n", "\n{\n}\n"], ids=repr)
def test_an_empty_configuration_gets_a_section_with_one_server(text: str) -> None:
    assert json.loads(put(text)) == {"mcpServers": {"acestep": SERVER}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n    "a": 1\n}', '{\n    "a": 1,\n    "mcpServers": {\n        "acestep": {\n'),
        ('{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"mcpServers": {\n\t\t"acestep": {\n\t\t\t"command'),
        ('{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "mcpServers": {\r\n    "acestep": {\r\n'),
        ('{"a": 1}', '{"a": 1, "mcpServers": {"acestep": {"command": '),
    ],
    ids=["four spaces", "tabs", "Windows line ends", "one line"],
)
def test_the_layout_of_the_owner_is_taken_over(before: str, after: str) -> None:
    edited = put(before)

    assert edited.startswith(after)
    assert edited.endswith(before[before.rindex("}") :])
    assert ("\n" in edited.replace("\r\n", "")) is ("\r" not in before and "\n" in before)


def test_other_servers_spellings_and_order_stay_to_the_byte() -> None:
    before = '{\n  "z": [1,2,\n3],\n  "mcpServers": {\n    ' + OTHER + '\n  },\n  "a": 1.0\n}\n'
    edited = put(before)
    at = before.index(OTHER) + len(OTHER)

    assert edited.startswith(before[:at] + ",\n")
    assert edited.endswith(before[at:])
    assert list(json.loads(edited)["mcpServers"]) == ["other", "acestep"]


def test_an_entry_that_is_there_keeps_what_it_has_besides_and_its_environment() -> None:
    present = {"command": "uvx", "args": ["acestep-mcp"], "env": {"A": "1"}, "disabled": False}
    before = json.dumps({"mcpServers": {"acestep": present, "z": {}}}, indent=2)
    after = json.loads(put(before, env={"B": "2"}))["mcpServers"]

    assert list(after) == ["acestep", "z"]
    assert after["acestep"] == {**SERVER, "env": {"A": "1", "B": "2"}, "disabled": False}


def test_editing_twice_changes_nothing_more() -> None:
    once = put('{\n  "mcpServers": {}\n}\n')

    assert put(once) == once


def test_braces_and_quotes_inside_strings_do_not_mislead() -> None:
    before = '{"mcpServers": {"a\\"}{": {"k": "}},{\\\\"}}, "mcpServers2": "}"}'

    assert json.loads(put(before)) == {
        "mcpServers": {'a"}{': {"k": "}},{\\"}, "acestep": SERVER},
        "mcpServers2": "}",
    }


def test_of_two_sections_with_one_name_the_one_that_counts_is_edited() -> None:
    edited = put('{"mcpServers": {"lost": {}}, "mcpServers": {"kept": {}}}')

    assert '{"lost": {}}' in edited
    assert json.loads(edited) == {"mcpServers": {"kept": {}, "acestep": SERVER}}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1} // why',
        '{\n  // note\n  "mcpServers": {}\n}',
        '{"mcpServers": {},}',
        '{"mcpServers": {}',
        "[]",
        '{"mcpServers": []}',
        '{"mcpServers": null}',
        '{"mcpServers": {"acestep": "x"}}',
        '{"mcpServers": {"acestep": {"url": "https://example.org/mcp"}}}',
    ],
)
def test_what_is_not_plain_json_or_something_else_is_refused(text: str) -> None:
    with pytest.raises(NotEditable):
        put(text)
