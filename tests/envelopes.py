"""What comes over a wire and is no request, with the code and the id it is answered with."""

import json
from typing import Any

REQUEST = {"jsonrpc": "2.0", "id": 7, "method": "tools/list"}
WRONG: dict[str, tuple[Any, int, Any]] = {
    "params that are a list": ({**REQUEST, "params": []}, -32600, 7),
    "params that are a text": ({**REQUEST, "params": "{}"}, -32600, 7),
    "a method that is a number": ({**REQUEST, "method": 123}, -32600, 7),
    "a method that is null": ({**REQUEST, "method": None}, -32600, 7),
    "no method": ({"jsonrpc": "2.0", "id": "seven"}, -32600, "seven"),
    "no protocol": ({"id": 7, "method": "ping"}, -32600, 7),
    "another protocol": ({**REQUEST, "jsonrpc": "1.0"}, -32600, 7),
    "a protocol that is a number": ({**REQUEST, "jsonrpc": 2.0}, -32600, 7),
    "an id that is a fraction": ({**REQUEST, "id": 1.5}, -32600, 1.5),
    "an id that is true": ({**REQUEST, "id": True}, -32600, None),
    "an id that is null": ({**REQUEST, "id": None}, -32600, None),
    "an id that is a list": ({**REQUEST, "id": [7]}, -32600, None),
    "an id beyond all numbers": (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', -32600, None),
    "a batch": ([REQUEST], -32600, None),
    "no object": ("tools/list", -32600, None),
    "an empty object": ({}, -32600, None),
    "half an object": (b'{"jsonrpc":"2.0","id":7,"method":', -32700, None),
    "what only Python reads": (
        b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":NaN}}',
        -32700,
        7,
    ),
    "half a character": ({**REQUEST, "params": {"cursor": "\ud83d"}}, -32700, 7),
    "half a character as the id": ({**REQUEST, "id": "\ud83d"}, -32700, None),
    "another encoding": ({**REQUEST, "params": {"cursor": "caf\xe9"}}, -32700, 7),
    "a depth nobody can read": (
        b'{"jsonrpc":"2.0","id":7,"method":"x","params":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
        -32600,
        7,
    ),
    "a depth beyond that": (b"[" * 100_000, -32700, None),
    "digits without end": (
        b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"x"}',
        -32700,
        None,
    ),
}


def written(what: str, message: Any) -> bytes:
    """As it comes over the wire."""
    if isinstance(message, bytes):
        return message
    if what == "another encoding":
        return json.dumps(message, ensure_ascii=False).encode("latin-1")
    return json.dumps(message).encode()
