"""Keys in files as editors, shells and other programs leave them, and keys that are none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from acestep_mcp import keys
from acestep_mcp.domain.errors import KeyMissing
from acestep_mcp.surface import refusals

KEY = "0123456789abcdef0123456789abcdef"
LEFT = (
    f"{KEY}",
    f"{KEY}\r\n",
    f"\n  {KEY} \t\nanother-key\n",
    f"# mine\n; from the console\n// {KEY[:4]}...\n\n{KEY}\n",
    f"{KEY} # mine",
    f"'{KEY}'",
    f"\u201c{KEY}\u201d",
    f"PIXAZO_API_KEY={KEY}",
    f"PIXAZO_SUBSCRIPTION_KEY = '{KEY}'\n",
    f"#!/bin/sh\nexport LANG=C\nexport PIXAZO_API_KEY={KEY}\n",
    f'declare -x PIXAZO_API_KEY="{KEY}"',
    f"set -gx PIXAZO_API_KEY {KEY}",
    f"setenv PIXAZO_API_KEY {KEY}",
    f'@echo off\r\nrem mine\r\nset "PIXAZO_API_KEY={KEY}"\r\n\x1a',
    f'$env:PIXAZO_API_KEY = "{KEY}";\r\n',
    f"[default]\nACESTEP_OUTPUT_DIR=~/x\nPIXAZO_API_KEY_FILE=/x\nPIXAZO_API_KEY={KEY}\n",
    f'music_folder: ~/x\nPIXAZO_API_KEY: "{KEY}"  # mine\n',
    f"PIXAZO_API_KEY=${{PIXAZO_API_KEY}}\nPIXAZO_API_KEY=\nPIXAZO_SUBSCRIPTION_KEY={KEY}\n",
    f'{{"PIXAZO_API_KEY": "{KEY}"}}',
    f'{{\n  "env": {{\n    "A": "b",\n    "PIXAZO_API_KEY": "{KEY}"\n  }}\n}}',
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def read(home: Path, content: bytes) -> keys.Key:
    path = home / ".pixazo" / "api-key"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return keys.find({})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_key_is_found_in_whatever_form_a_file_has_it(home: Path, encoding: str) -> None:
    for text in LEFT:
        found = read(home, text.encode(encoding))

        assert (found.text, found.source, found.problem) == (KEY, "~/.pixazo/api-key", ""), text


def test_a_big_endian_mark_a_foreign_code_page_and_a_file_of_two_encodings_are_read(
    home: Path,
) -> None:
    for content in (
        b"\xfe\xff" + KEY.encode("utf-16-be"),
        "# \u043a\u043b\u044e\u0447\r\n".encode("cp1251") + KEY.encode(),
        "# \u043a\u043b\u044e\u0447\n".encode("utf-16-le") + KEY.encode("utf-16-le"),
        b"# old\r\n" + f"{KEY}\r\n".encode("utf-16-le"),
        f"{KEY}\r\n".encode() + "note\r\n".encode("utf-16-le"),
        f"\u200b{KEY}\u00a0\ufeff".encode(),
    ):
        assert read(home, content).text == KEY, content


@pytest.mark.skipif(not shutil.which("iconv"), reason="made with iconv")
@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"])
def test_a_file_that_another_program_converted_is_read(home: Path, encoding: str) -> None:
    made = subprocess.run(
        ["/bin/sh", "-c", f"printf '# mine\\r\\n{KEY}\\r\\n' | iconv -f UTF-8 -t {encoding}"],
        capture_output=True,
        check=True,
    )

    assert read(home, made.stdout).text == KEY


def test_a_file_that_a_shell_wrote_is_the_value_the_shell_has(home: Path) -> None:
    path = home / "env"
    script = f"export PIXAZO_API_KEY={KEY}; export -p | grep PIXAZO > '{path}'"
    subprocess.run(["/bin/sh", "-c", script], check=True)

    assert keys.find({"PIXAZO_API_KEY_FILE": str(path)}).text == KEY


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"# none yet\n", b"PIXAZO_API_KEY=\n"]
)
def test_a_file_without_a_key_is_said_to_hold_none(home: Path, content: bytes) -> None:
    found = read(home, content)

    assert found.text is None
    assert found.problem == "~/.pixazo/api-key holds no key"


@pytest.mark.parametrize(
    "content",
    ["s3cret key", "s3cret\u00e9", "s3cret\x00\x01x", "s3cret\ufffd", "\u043a\u043b\u044e\u0447"],
)
def test_a_key_that_no_header_can_carry_is_never_repeated(home: Path, content: str) -> None:
    in_file = read(home, content.encode())
    in_variable = keys.find({"PIXAZO_API_KEY": content.replace("\0", "")})

    assert (in_file.text, in_variable.text) == (None, None)
    for found in (in_file, in_variable):
        assert found.problem.endswith("has characters that no key has; copy it again")
        assert content[:4] not in f"{found!r}"


def test_a_key_of_two_lines_in_a_variable_is_none() -> None:
    found = keys.find({"PIXAZO_API_KEY": "s3cret\nx: y"})

    assert found.text is None
    assert found.problem.startswith("the key in PIXAZO_API_KEY has characters that no key has")


@pytest.mark.parametrize(
    "given", [f'"{KEY}"', f"'{KEY}'", f" {KEY}\n", f"PIXAZO_API_KEY={KEY}", f"\ufeff{KEY}"]
)
def test_a_variable_may_be_quoted_like_a_file(given: str) -> None:
    assert keys.find({"PIXAZO_SUBSCRIPTION_KEY": given}).text == KEY


@pytest.mark.parametrize("given", ["$MY_KEY", "%MY_KEY%", '"${MY_KEY}"', '""', "${input:key}"])
def test_a_placeholder_that_a_host_left_is_no_key_and_the_search_goes_on(
    given: str, home: Path
) -> None:
    assert read(home, KEY.encode()).text == KEY
    found = keys.find({"PIXAZO_API_KEY": given})

    assert (found.text, found.source) == (KEY, "~/.pixazo/api-key")


def test_half_a_placeholder_is_no_key_either() -> None:
    found = keys.find({"PIXAZO_API_KEY": "Bearer-${MY_KEY}"})

    assert found.text is None
    assert "placeholder nobody filled in" in found.problem


@pytest.mark.skipif(os.name == "nt", reason="has no such files")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "it is a folder, not a file"),
        (os.mkfifo, "it is a pipe, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        (lambda path: path.symlink_to("gone"), "it is a link to nothing"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (
            lambda path: path.write_bytes(b"k" * 4097),
            "it is longer than 4 kB",
        ),
    ],
    ids=["folder", "pipe", "device", "dangling", "loop", "huge"],
)
@pytest.mark.parametrize("named", [True, False])
def test_what_is_there_and_cannot_be_read_ends_the_search_with_the_reason(
    make: object, reason: str, named: bool, home: Path
) -> None:
    assert callable(make)
    path = home / "key" if named else home / ".pixazo" / "api-key"
    path.parent.mkdir(exist_ok=True)
    if named:  # a key that is not meant is not spent
        assert read(home, KEY.encode()).text == KEY
    make(path)
    found = keys.find({"PIXAZO_API_KEY_FILE": str(path)} if named else {})

    assert found.text is None
    where = f"PIXAZO_API_KEY_FILE ({path})" if named else "~/.pixazo/api-key"
    assert found.places[-1] == where
    assert found.problem.endswith(f"cannot be read: {reason}")
    sentence = refusals.sentence(KeyMissing((*keys.VARIABLES, *found.places[2:]), found.problem))
    assert sentence.endswith("then restart this server.")


def test_a_key_file_of_4_kb_is_read(home: Path) -> None:
    assert read(home, KEY.encode() + b"\n" * (4096 - len(KEY))).text == KEY


def test_the_null_device_is_a_file_without_a_key(home: Path) -> None:
    assert read(home, KEY.encode()).text == KEY
    assert keys.find({"PIXAZO_API_KEY_FILE": os.devnull}).text == KEY


def test_a_key_where_its_files_name_should_be_is_not_repeated() -> None:
    for given in (KEY, "AbC/+dEf==", "sk_live/abc"):
        found = keys.find({"PIXAZO_API_KEY_FILE": given})

        assert found.text is None
        assert given not in f"{found!r}"
        assert "absolute path" in found.problem


def test_a_named_file_that_does_not_exist_gives_way_to_the_one_at_home(home: Path) -> None:
    gone = {"PIXAZO_API_KEY_FILE": str(home / "gone")}
    assert keys.find(gone).problem.endswith("gone) does not exist")
    assert read(home, KEY.encode()).text == KEY

    assert keys.find(gone).text == KEY
