"""The arguments that hosts add to a tool call by themselves, and that nobody meant.

A host adds them to every call, so a server that refuses them can do nothing for its users: the
model did not write them and cannot leave them out. Most were found in the host's own source; the
others in calls or schemas that show them, or in lists that other servers keep.
Arguments whose names begin with `_` are taken as absent in any case and are not listed.

Read as well, and found to add nothing to what the model wrote: Roo Code, Flowise, Agno.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SWITCH = (bool, str)  # models write true as "true", and these are written by models


@dataclass(frozen=True, slots=True)
class Added:
    """What a host adds under one name: values of these types, and only these `texts` if given."""

    host: str
    kinds: tuple[type, ...]
    texts: frozenset[str] | None = None


_ACTIONS = frozenset({"sendMessage", "loadPreviousSession"})
ADDED: Mapping[str, Added] = {
    # The Agent node hands its MCP Client Tool an item: the model's arguments, the name of the tool
    # and the id of the call (nodes-langchain/utils/agent-execution/createEngineRequests.ts; what
    # arrived is in n8n-io/n8n#21500 and #21716). Versions before 2.2.5 forward all of it.
    "tool": Added("n8n", (str,)),
    "toolCallId": Added("n8n", (str,)),
    # Kept by other servers as what n8n's Chat Trigger adds; not seen in n8n's source.
    "sessionId": Added("n8n", (str,)),
    "chatInput": Added("n8n", (str,)),
    "action": Added("n8n", (str,), _ACTIONS),
    # "supported by every tool call", says its system prompt until May 2026
    # (core/prompts/system-prompt/components/task_progress.ts): a Markdown list of what is done.
    "task_progress": Added("Cline", (str,)),
    # Fingerprints of agent and task, {} where there are none, until April 2026
    # (crewai/tools/tool_usage.py, _add_fingerprint_metadata).
    "security_context": Added("CrewAI", (dict,)),
    # Added to the schema of every tool and left in the arguments
    # (gemini-cli packages/core/src/tools/tools.ts, addWaitForPreviousParameter).
    "wait_for_previous": Added("Gemini CLI", _SWITCH),
    # The same and two captions, in the calls that its transcripts show; its source is closed.
    "waitForPreviousTools": Added("Antigravity", _SWITCH),
    "toolAction": Added("Antigravity", (str,)),
    "toolSummary": Added("Antigravity", (str,)),
    # "Dummy parameter for no-parameter tools", which it puts into schemas; its source is closed.
    "random_string": Added("Cursor", (str,)),
    # Added to every schema and taken out again, but for some of its agents (letta/agent.py).
    "request_heartbeat": Added("Letta", _SWITCH),
    # Added to the schemas of tools that may be suspended (mastra packages/core, CoreToolBuilder).
    "suspendedToolRunId": Added("Mastra", (str,)),
    "resumeData": Added("Mastra", (dict, str)),
}


def is_added(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a host put that argument there, and nobody who wants a song."""
    added = ADDED.get(name)
    value = arguments[name]
    if added is None or not isinstance(value, added.kinds):
        return False
    if added.texts is None or value in added.texts:
        return True
    # Where a whole item was forwarded, its other fields say so.
    return any(
        other != name and is_added(other, arguments)
        for other, its in ADDED.items()
        if its.host == added.host and its.texts is None and other in arguments
    )
