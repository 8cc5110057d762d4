"""Replies of servers that no registry has, each with its version and where its shape was seen."""
