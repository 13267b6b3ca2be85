"""No Retry-After header, however wrong, does more than make us wait at most a day."""

import math
from collections.abc import Callable
from email.utils import formatdate
from random import Random

import pytest

from acestep_mcp.domain.retry import LONGEST, Budget, backoff, retry_after

NOW = 1_800_000_000.0
HEADERS = 100_000
SEED = 20_261_123

ODD = (
    "", " ", "0", "00", "-0", "-1", "+5", "1e3", "1e400", "-1e400", "nan", "NaN", "inf", "-inf",
    "Infinity", "0x10", "1_000", "1,5", "1.5", "1.", ".5", "9" * 15, "9" * 16, "9" * 400, "٣",
    "١٢٣", "௧௨", "Ⅷ", "²", "１２０", "\x00", "12\x00", "\ud800", "5; 6", "5, 6", "5 s",
    "Wed", "Wed,", ",", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 9999 07:28:00 GMT",
    "Wed, 21 Oct 99999 07:28:00 GMT", "Wed, 99 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 0000 00:00 GMT",
    "Wed, 21 Oct 2026 07:28:00 +9999", "Wed, 21 Oct 2026 07:28:00 -9999999999", "21 Oct 26 7:28",
    "Wed, 21 Oct 2026 07:28:00 (comment", "2026-11-23T10:00:00Z", "soon", "<html>", "A" * 10_000,
)  # fmt: skip
LETTERS = '0123456789+-.,:;eE /WedOctGMTnaif٣²１\x00\t\n\u202e()"\\@'


def _number(rng: Random) -> str:
    value = rng.choice((rng.uniform(-10, 1e5), rng.uniform(-1e300, 1e300), rng.randrange(10**18)))
    return rng.choice((f"{value}", f"{value:e}", f"{value:.0f}", f" {value:g} "))


def _date(rng: Random) -> str:
    moment = rng.choice((NOW + rng.uniform(-1e6, 1e6), rng.uniform(-6e10, 2.5e11)))
    text = formatdate(moment, usegmt=rng.random() < 0.5)
    at = rng.randrange(len(text))
    return rng.choice(
        (text, text[:at], text[at:], text[:at] + rng.choice(LETTERS) + text[at + 1 :])
    )


def _noise(rng: Random) -> str:
    return "".join(rng.choices(LETTERS, k=rng.randrange(40)))


def _unicode(rng: Random) -> str:
    return "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(8)))


def _odd(rng: Random) -> str:
    return rng.choice(ODD)


MAKERS: tuple[Callable[[Random], str], ...] = (_number, _date, _noise, _unicode, _odd)


def test_100_000_fuzzed_headers_raise_nothing_and_never_ask_for_more_than_a_day() -> None:
    rng = Random(SEED)
    read = 0
    for _ in range(HEADERS):
        header = rng.choice(MAKERS)(rng)
        seconds = retry_after(header, NOW)
        assert seconds is None or 0 <= seconds <= 86_400, header
        read += seconds is not None

    assert HEADERS > read > HEADERS / 10


@pytest.mark.parametrize("header", ODD)
def test_every_odd_header_is_none_or_within_a_day(header: str) -> None:
    seconds = retry_after(header, NOW)

    assert seconds is None or 0 <= seconds <= LONGEST


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("99999999", 86_400),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        (formatdate(NOW + 1e7, usegmt=True), 86_400),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        ("soon", None),
    ],
)
def test_a_header_means_these_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


def test_a_date_is_read_whatever_the_clock_says() -> None:
    for now in (0.0, -1e12, 1e12, 1e300):
        seconds = retry_after("Wed, 21 Oct 2026 07:28:00 GMT", now)
        assert seconds is not None
        assert 0 <= seconds <= LONGEST


def test_backoff_stays_between_half_the_base_and_the_cap() -> None:
    rng = Random(SEED)
    for attempt in range(2_000):
        pause = backoff(attempt, 5.0, 60.0, rng.random)
        assert 2.5 <= pause <= 60.0
        assert math.isfinite(pause)


def test_a_budget_lets_retries_add_a_tenth_at_most() -> None:
    budget = Budget(capacity=10.0, refund=0.1)
    while budget.spend():
        pass
    spent = 0
    for _ in range(1_000):
        budget.earn()
        spent += budget.spend()

    assert spent in range(95, 101)
