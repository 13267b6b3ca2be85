"""The checks of the official suite that do not apply to this server, each with the reason.

An exception is `scenario:check`, or the scenario alone where its only check has the same name.
Every other check has to pass, and an exception that passes has to go.
"""

from collections.abc import Iterable, Iterator, Mapping

from tests.conformance.suite import Findings

EXCEPTIONS: Mapping[str, tuple[str, ...]] = {
    "calls a tool that only the suite's reference server has": (
        "elicitation-sep1034-defaults:elicitation-sep1034-general",
        "elicitation-sep1330-enums:elicitation-sep1330-general",
        "input-required-result-basic-elicitation:sep-2322-elicitation-incomplete",
        "input-required-result-basic-list-roots:sep-2322-list-roots-incomplete",
        "input-required-result-basic-sampling:sep-2322-sampling-incomplete",
        "input-required-result-capability-check:sep-2322-respect-client-capabilities",
        "input-required-result-missing-input-response:sep-2322-missing-response-rerequests",
        "input-required-result-multi-round:sep-2322-multi-round-r1",
        "input-required-result-multiple-input-requests:sep-2322-multiple-inputs-incomplete",
        "input-required-result-request-state:sep-2322-request-state-incomplete",
        "input-required-result-result-type:sep-2322-result-type-included",
        "input-required-result-tampered-state:sep-2322-reject-tampered-state",
        "input-required-result-validate-input:sep-2322-error-on-protocol-error",
        "json-schema-2020-12:json-schema-2020-12-tool-found",
        "server-sse-polling:incoming-sse-event",
        "server-stateless:sep-2575-missing-capability-http-400",
        "server-stateless:sep-2575-server-rejects-undeclared-capability",
        "tools-call-audio",
        "tools-call-elicitation",
        "tools-call-embedded-resource",
        "tools-call-image",
        "tools-call-mixed-content",
        "tools-call-sampling",
        "tools-call-with-progress",
    ),
    "gets a prompt that only the suite's reference server has": (
        "input-required-result-non-tool-request:sep-2322-non-tool-incomplete",
        "prompts-get-embedded-resource",
        "prompts-get-simple",
        "prompts-get-with-args",
        "prompts-get-with-image",
    ),
    "reads a resource that only the suite's reference server has": (
        "resources-read-binary",
        "resources-read-text",
        "resources-templates-read",
    ),
    "has a tool of the reference server change the lists; ours never change": (
        "server-stateless:sep-2575-server-sends-prompts-list-changed-on-subscription",
        "server-stateless:sep-2575-server-sends-tools-list-changed-on-subscription",
    ),
    "reads tool arguments from HTTP headers; no tool of ours asks for that": (
        "http-custom-header-server-validation:sep-2243-server-decode-base64",
        "http-custom-header-server-validation:sep-2243-server-no-xmcp-tool",
        "http-custom-header-server-validation:sep-2243-server-reject-invalid-param-chars",
        "http-custom-header-server-validation:sep-2243-server-reject-param-mismatch",
        "http-custom-header-server-validation:sep-2243-server-validate-param-match",
    ),
    "sends log messages to the client, which the protocol deprecates; not offered": (
        "logging-set-level",
        "tools-call-with-logging",
    ),
    "subscribes to a resource; not offered": (
        "resources-subscribe",
        "resources-unsubscribe",
    ),
    "resumes a session; a stateless server has none": (
        "server-sse-multiple-streams:server-sse-multiple-streams-session",
        "server-sse-polling:server-sse-polling-session",
        "server-sse-polling:server-sse-priming-event",
        "server-sse-polling:server-sse-retry-field",
    ),
    "has a task ask for input; a song's questions are asked before it is a task": (
        "tasks-mrtr-input:sep-2663-tasks-get-status-input-required",
        "tasks-mrtr-input:tasks-mrtr-partial-fulfillment",
    ),
    "has a task end in a protocol error; a song that fails is a tool's error": (
        "tasks-lifecycle:sep-2663-tasks-get-status-failed",
    ),
    "has a tool refuse clients without tasks; ours answer every client": (
        "tasks-required-task-error:sep-2663-server-returns-missing-capability-when-required",
    ),
}


def excepted(groups: Mapping[str, Iterable[str]] = EXCEPTIONS) -> frozenset[str]:
    """Every exception, as `scenario:check`."""
    named = (entry for group in groups.values() for entry in group)
    return frozenset(entry if ":" in entry else f"{entry}:{entry}" for entry in named)


def objections(
    found: Mapping[str, Findings], exceptions: frozenset[str] | None = None
) -> Iterator[str]:
    """What is wrong with these findings, by version: a line each, none where all is well."""
    known = excepted() if exceptions is None else exceptions
    for version, findings in found.items():
        yield from (f"{version}: FAILED {name}" for name in sorted(findings.failed - known))
        stale = sorted(findings.passed & known)
        yield from (f"{version}: STALE {name} is an exception and passes" for name in stale)
    seen = frozenset[str]().union(*(each.failed | each.passed for each in found.values()))
    yield from (f"STALE {name} is an exception that never ran" for name in sorted(known - seen))
