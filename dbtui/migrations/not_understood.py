"""The one way in which a parser says that it cannot tell what a statement does."""

from __future__ import annotations


class NotUnderstoodError(Exception):
    """A statement that no rule may call safe. The text says why."""
