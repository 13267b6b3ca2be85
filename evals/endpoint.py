"""A model behind OpenAI's chat completions, hosted or on this machine (Ollama, llama.cpp)."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from evals.trial import Call, Turn

_SYSTEM = "You are a helpful assistant. Use the tools where they help. {instructions}"


class Endpoint:
    """One conversation with a model.

    Args:
        url: Of the API, up to and including its version, such as http://127.0.0.1:11434/v1.
        model: Its name there.
        key: Sent as a bearer token, if there is one.
        instructions: The server's own, as a client would pass them on.
    """

    def __init__(self, url: str, model: str, key: str, instructions: str) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": _SYSTEM.format(instructions=instructions)}
        ]
        self._asked: list[str] = []

    async def turn(self, said: str, calls: Sequence[Call], tools: Sequence[Any]) -> Turn:
        """What the model does next.

        Raises:
            httpx.HTTPError: It could not be asked.
        """
        if len(self._messages) == 1:
            self._messages.append({"role": "user", "content": said})
        answered = calls[len(calls) - len(self._asked) :] if self._asked else ()
        for name, call in zip(self._asked, answered, strict=True):
            self._messages.append({"role": "tool", "tool_call_id": name, "content": call.text})
        reply = await self._reply(tools)
        self._messages.append(reply)
        wanted = reply.get("tool_calls") or []
        self._asked = [each["id"] for each in wanted]
        return Turn(reply.get("content") or "", tuple(_call(each["function"]) for each in wanted))

    async def _reply(self, tools: Sequence[Any]) -> dict[str, Any]:
        body = {
            "model": self._model,
            "messages": self._messages,
            "tools": [_published(tool) for tool in tools],
            "temperature": 0,
        }
        async with httpx.AsyncClient(timeout=120, headers=self._headers) as http:
            response = await http.post(self._url, json=body)
            response.raise_for_status()
        return dict(response.json()["choices"][0]["message"])


def _published(tool: Any) -> dict[str, Any]:  # noqa: ANN401  # a tool of the SDK
    shown = tool.model_dump(by_alias=True, mode="json")
    function = {
        "name": shown["name"],
        "description": shown["description"],
        "parameters": shown["inputSchema"],
    }
    return {"type": "function", "function": function}


def _call(function: dict[str, Any]) -> Call:
    """A call as the model wrote it; arguments that are no JSON are none."""
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except ValueError:
        arguments = {}
    return Call(function["name"], arguments if isinstance(arguments, dict) else {})
