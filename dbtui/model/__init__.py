"""The nouns: frozen, slotted dataclasses. No I/O, no markup, no formatted text."""
