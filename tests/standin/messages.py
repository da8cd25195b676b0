"""What goes to and fro: a request as it was sent, and an answer with what is wrong with its sending."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Request:
    """What a client sent."""

    method: str
    host: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    time: float = 0.0

    def one(self, name, default=None):
        """A query parameter's first value, in either spelling of a list."""
        return (self.query.get(name) or self.query.get(f"{name}[]") or [default])[0]

    def all(self, name) -> list[str]:
        return [*self.query.get(name, []), *self.query.get(f"{name}[]", [])]


@dataclass
class Answer:
    """What the stand-in sends; `cut` bytes of the body only, `drop` nothing at all, `rate` bytes per second."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drop: bool = False
    delay: float = 0.0
    rate: float | None = None
    length: bool = True
