"""What keeps the demo busy: pgbench for the even load, and sessions of our own for the dramas."""
