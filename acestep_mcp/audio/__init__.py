"""The decoder: reads, measures, tags and encodes audio, in a process of its own.

    library.decoder ──stdin: a request──> python -m acestep_mcp.audio ──stdout: an answer──>

What a media host sends is nobody's promise, and decoders are written in C. So the server imports
nothing of this but `headers`, which only reads lengths: bytes that crash, hang or inflate take
this process with them and nothing else, and what numpy takes is given back when it ends. It
imports nothing of the rest of the package.
"""
