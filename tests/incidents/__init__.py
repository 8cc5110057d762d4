"""Incidents that are started on real servers; the console has to name the root cause of each."""
