"""The guide for whoever writes the song, published as `acestep://guide`."""

from importlib.resources import files


def guide() -> str:
    """`guide.md`, at most 2,500 tokens of Markdown; its examples are arguments of generate_song."""
    return files(__package__).joinpath("guide.md").read_text(encoding="utf-8")
