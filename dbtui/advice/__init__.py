"""Which indexes would help a workload: read from its statements, tried by a planner, or reasoned where there is none.

`reading` finds out how each statement reaches its tables, `candidates` which indexes could serve that, `search`
asks a `model.advice.Planner` which of them pay, together and over the whole workload, and `weighing` what they
cost the writers. Nothing here talks to a server.
"""
