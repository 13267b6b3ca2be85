"""Metrics and traces through the OpenTelemetry API, which does nothing until an SDK is set up.

    acestep.submissions   counter    model, verdict (never_sent, refused, accepted, unknown)
    acestep.songs         counter    model, state (COMPLETED, FAILED, ERROR)
    acestep.polls         counter    answered (true, false)
    acestep.lag           histogram  seconds from the gateway's completion to ours; model

Nothing of a caller, a prompt or a key is recorded.
"""

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram

_NAME = "acestep_mcp"


def load() -> None:
    """Import what the first song needs, so that nothing is left to fail once it is paid."""
    from opentelemetry import metrics, trace  # noqa: PLC0415  # with the first song, not at start

    _ = metrics, trace


@cache
def _counter(name: str) -> "Counter":
    from opentelemetry import metrics  # noqa: PLC0415  # as above

    return metrics.get_meter(_NAME).create_counter(name)


@cache
def _lags() -> "Histogram":
    from opentelemetry import metrics  # noqa: PLC0415  # as above

    return metrics.get_meter(_NAME).create_histogram("acestep.lag", unit="s")


def submitted(model: str, verdict: str) -> None:
    """A submission ended with this verdict."""
    _counter("acestep.submissions").add(1, {"model": model, "verdict": verdict})


def polled(*, answered: bool) -> None:
    """The gateway was asked about a song."""
    _counter("acestep.polls").add(1, {"answered": answered})


def ended(model: str, state: str, lag: float) -> None:
    """A song was seen to have ended, `lag` seconds after it had."""
    _counter("acestep.songs").add(1, {"model": model, "state": state})
    _lags().record(max(0.0, lag), {"model": model})


def submitting(model: str) -> AbstractContextManager[Any]:
    """A span around one submission."""
    from opentelemetry import trace  # noqa: PLC0415  # as above

    attributes = {"acestep.model": model}
    return trace.get_tracer(_NAME).start_as_current_span("acestep.submit", attributes=attributes)
