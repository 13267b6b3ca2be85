"""What is wrong with a line that no server can take for a message, said so that its sender hears.

JSON-RPC asks for an answer to everything that could be a request. A sender who waits for one to
a request that was merely put badly would wait for ever. Nothing is said to notifications and
answers, which nobody waits on.
"""

import json
import math
from typing import Any

PARSE_ERROR, INVALID_REQUEST, INTERNAL_ERROR = -32700, -32600, -32603
BOM = b"\xef\xbb\xbf"
"""The mark some editors and shells put before the first line of what they write."""


def refusal(line: bytes) -> bytes | None:
    """The line to answer with, empty where none is due; None where the line is a message."""
    if not line.strip():
        return b""
    try:
        message = json.loads(line.decode(), parse_constant=no_constant)
    except UnicodeDecodeError:
        return error(PARSE_ERROR, "Parse error: the message is not UTF-8", _id_within(line))
    except (ValueError, RecursionError):
        return error(PARSE_ERROR, "Parse error: the message is not JSON", _id_within(line))
    if not is_encodable(message):
        why = "Parse error: it holds half of a surrogate pair, which no text may"
        return error(PARSE_ERROR, why, _id_of(message))
    return _refusal_of(message)


def unreadable(line: bytes) -> bytes:
    """The answer to a message that looks right and that the server cannot read all the same."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or "id" not in message or "method" not in message:
        return b""
    return error(INVALID_REQUEST, "Invalid request: it cannot be read", _id_of(message))


def error(code: int, message: str, id: object = None) -> bytes:  # noqa: A002  # as JSON-RPC has it
    """A line that answers with an error."""
    reply = {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}
    return json.dumps(reply, separators=(",", ":")).encode() + b"\n"


def _refusal_of(message: object) -> bytes | None:
    if not isinstance(message, dict):
        what = "a batch; send one message a line" if isinstance(message, list) else "no object"
        return error(INVALID_REQUEST, f"Invalid request: this is {what}")
    if "method" not in message and ("result" in message or "error" in message):
        return None  # an answer of the client's, which the server takes or drops
    method = message.get("method")
    if "id" not in message and isinstance(method, str):  # a notification
        right = message.get("jsonrpc") == "2.0" and _is_object(message.get("params"))
        return None if right else b""
    cause = _cause(message)
    return cause and error(INVALID_REQUEST, f"Invalid request: {cause}", _id_of(message))


def _cause(message: dict[str, Any]) -> Any:  # noqa: ANN401  # a sentence or None
    """What is wrong with a request, if anything."""
    if message.get("jsonrpc") != "2.0":
        return 'jsonrpc must be "2.0"'
    if not isinstance(message.get("method"), str):
        return "method must be a string"
    if type(message.get("id")) not in (int, str):
        return "id must be a string or an integer"
    if not _is_object(message.get("params")):
        return "params must be an object"
    return None


def _is_object(params: object) -> bool:
    return params is None or isinstance(params, dict)


def _id_of(message: object) -> object:
    """The id to answer to, as it was sent; None where it cannot be repeated."""
    given = message.get("id") if isinstance(message, dict) else None
    plain = type(given) in (int, str) or (isinstance(given, float) and math.isfinite(given))
    return given if plain and is_encodable(given) else None


def _id_within(line: bytes) -> object:
    """The id of a message of which only some characters are broken."""
    try:
        return _id_of(json.loads(line.decode(errors="replace"), strict=False))
    except (ValueError, RecursionError):
        return None


def is_encodable(message: object) -> bool:
    """Whether every text in it can be encoded: JSON can escape what UTF-8 cannot hold."""
    try:
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def no_constant(name: str) -> float:
    """For `json.loads`: refuse NaN and its like, which Python reads and JSON has not."""
    raise ValueError(name)
