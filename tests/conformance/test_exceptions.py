"""An exception from the official suite has a reason, fails when it is run, and is needed."""

from tests.conformance.exceptions import EXCEPTIONS, excepted, objections
from tests.conformance.suite import Findings

KNOWN = frozenset({"logging:level"})


def findings(*, passed: tuple[str, ...] = (), failed: tuple[str, ...] = ()) -> Findings:
    return Findings(frozenset(passed), frozenset(failed))


def told(**found: Findings) -> list[str]:
    return list(objections(found, KNOWN))


def test_what_fails_and_is_excepted_is_no_objection() -> None:
    assert told(v=findings(passed=("ping:ping",), failed=("logging:level",))) == []


def test_what_fails_and_is_not_excepted_is_named_with_its_version() -> None:
    well = findings(failed=("logging:level",))
    ill = findings(failed=("ping:ping",))

    assert told(one=well, two=ill) == ["two: FAILED ping:ping"]


def test_an_exception_that_passes_in_any_version_is_stale() -> None:
    well = findings(failed=("logging:level",))
    mended = findings(passed=("logging:level",))

    assert told(one=well, two=mended) == ["two: STALE logging:level is an exception and passes"]


def test_an_exception_that_never_ran_is_stale() -> None:
    assert told(one=findings()) == ["STALE logging:level is an exception that never ran"]


def test_every_exception_is_one_check_of_one_scenario_with_one_reason() -> None:
    names = [name for group in EXCEPTIONS.values() for name in group]

    assert all(name.count(":") == 1 for name in excepted())
    assert len(names) == len(excepted()) == 51
    assert all(reason.split() for reason in EXCEPTIONS)
