"""Callbacks as they should be, and everything else that may be sent to where they arrive."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence

from tests.hosted.line import Shot, post

Kind = Callable[[random.Random, bytes], Shot]
LARGEST = 1 << 20
DEEP = 50_000


def payload(request_id: str, status: str, **more: object) -> bytes:
    """What the gateway sends."""
    output = {"media_url": ["https://media.example/a.wav"], "media_type": "audio/wav"}
    told = {"request_id": request_id, "status": status, "model_id": "ace-step-xl", "error": None}
    return json.dumps(
        {**told, "output": output if status == "COMPLETED" else None, **more}
    ).encode()


def quoted(raw: bytes) -> bytes:
    """Any bytes in one step of a path."""
    return b"".join(b"%%%02x" % byte for byte in raw.replace(b"/", b"."))


def split(address: bytes) -> tuple[bytes, bytes]:
    """Name and signature of an address."""
    name, _, signature = address.removeprefix(b"/webhook/").partition(b".")
    return name, signature


def wrong_signature(chance: random.Random, address: bytes) -> Shot:
    name, signature = split(address)
    made = [
        quoted(chance.randbytes(32)),
        chance.randbytes(16).hex().encode(),
        signature[::-1],
        signature[:-1],
        signature + b"0",
        signature.upper(),
        b"",
    ]
    return Shot(
        "wrong signature", post(b"/webhook/%b.%b" % (name, chance.choice(made)), b"{}"), 401
    )


def mangled_token(chance: random.Random, address: bytes) -> Shot:
    name, signature = split(address)
    cut = chance.randrange(len(name))
    made = [
        name,
        b"." + signature,
        b"%b.%b" % (name[:cut], signature),
        b"%b%b.%b" % (name[:cut], quoted(chance.randbytes(3)), signature),
        b"%b=.%b" % (name, signature),
        b"%b..%b" % (name, signature),
        quoted(chance.randbytes(chance.randrange(1, 200))),
        base64.urlsafe_b64encode(chance.randbytes(40)) + b"." + signature,
        b"%ed%a0%80." + signature,
        b"%00%00." + signature,
        b"x" * chance.choice([1, 255, 4096, 12_000]),
    ]
    return Shot("mangled token", post(b"/webhook/" + chance.choice(made), b"{}"), 401)


def no_route(chance: random.Random, address: bytes) -> Shot:
    made = [b"/webhook/", b"/webhook//", address + b"/", address + b"/x", b"/", b"/WEBHOOK/x"]
    made += [address.replace(b"/webhook", b"/webhook/.."), b"/" + quoted(chance.randbytes(9))]
    return Shot("no route", post(chance.choice(made), payload("x", "COMPLETED")), 404)


def malformed(chance: random.Random, address: bytes) -> Shot:
    right = payload("ace-step-xl_1", "COMPLETED")
    made = [
        chance.randbytes(chance.randrange(1, 300)).replace(b"{", b"["),
        right[: chance.randrange(1, len(right))],
        right + b"}",
        right.replace(b'"', b"'"),
        b"\xff\xfe" + right,
        b'{"request_id": "\xc3("}',
        b'{"request_id": NaN}',
        b"null",
    ]
    return Shot("malformed JSON", post(address, chance.choice(made)), 400)


def deep(chance: random.Random, address: bytes) -> Shot:
    made = [b"[" * DEEP, b'{"request_id":' * DEEP, b"[" * DEEP + b"]" * DEEP]
    return Shot("deep nesting", post(address, chance.choice(made)), 400)


def wrong_types(chance: random.Random, address: bytes) -> Shot:
    value = chance.choice([None, True, 7, -1e400, [], {}, ["ace-step-xl_1"], {"id": "x"}])
    made = [
        json.dumps({"request_id": value, "status": value}).encode(),
        json.dumps([json.loads(payload("x", "FAILED"))]).encode(),
        json.dumps(str(value)).encode(),
        b'{"request_id": %b}' % (b"9" * 5000),
    ]
    return Shot("wrong types", post(address, chance.choice(made)), 400)


def empty(_: random.Random, address: bytes) -> Shot:
    return Shot("empty body", post(address, b""), 400)


def wrong_content_type(chance: random.Random, address: bytes) -> Shot:
    kinds = [b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; x", b"*"]
    body = payload("ace-step-xl_1", "PROCESSING")
    sent = post(address, body, content_type=chance.choice(kinds))
    return Shot("wrong content type", sent, 204)


def unknown_id(chance: random.Random, address: bytes) -> Shot:
    """The song is known by the address; whatever the payload calls it makes no difference."""
    name = chance.choice(["another", "\ud800", "../../x", "\u202e", "", "x" * 5000, "' or 1=1"])
    return Shot("unknown id", post(address, payload(name, "COMPLETED", surprise=[1])), 204)


def oversized(chance: random.Random, address: bytes) -> Shot:
    body = b"x" * (LARGEST + 1)
    return Shot("oversized", post(address, body, chunked=chance.random() < 0.5), 413)


def no_http(chance: random.Random, address: bytes) -> Shot:
    made = [
        b"POST %b HTTP/1.1\r\nContent-Length: -1\r\n\r\n" % address,
        b"POST %b HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" % address,
        b"POST \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        post(address, b"{}").replace(b"Content-Type", b"Content Type"),
        post(address, b"{}").replace(b"Host: songs.example", b"Host: a\r\nHost: b"),
        b"POST %b HTTP/1.1\r\nHost: x\r\nX-A: \x00\r\n\r\n" % address,
    ]
    return Shot("no HTTP", chance.choice(made), 400)


# Of a thousand, and every one of them expects one status.
WEIGHTS: dict[Kind, int] = {
    wrong_signature: 280,
    mangled_token: 280,
    no_route: 60,
    malformed: 180,
    deep: 5,
    wrong_types: 90,
    empty: 40,
    wrong_content_type: 20,
    unknown_id: 20,
    oversized: 1,
    no_http: 24,
}


def hostile(chance: random.Random, addresses: Sequence[bytes], number: int) -> Iterator[Shot]:
    """So many requests of every kind but the right one."""
    kinds = chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=number)
    return (kind(chance, chance.choice(addresses)) for kind in kinds)


def nobodys(address: bytes) -> Shot:
    """Rightly signed, for a song that is not there."""
    return Shot("no such song", post(address, payload("ace-step-xl_1", "COMPLETED")), 404)


def right(address: bytes, request_id: str, status: str) -> Shot:
    """What the gateway sends for one of its jobs."""
    return Shot(f"right, {status}", post(address, payload(request_id, status)), 204)
