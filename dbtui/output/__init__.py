"""Model objects as JSON, as text for a terminal or a file, and as Markdown."""
