"""The guide for whoever writes the song: a resource, a prompt's text and an Agent Skill."""

from importlib.resources import files


def guide() -> str:
    """`guide.md`, at most 2,500 tokens of Markdown; its examples are arguments of generate_song."""
    return files(__package__).joinpath("guide.md").read_text(encoding="utf-8")
