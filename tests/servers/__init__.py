"""Real servers for the tests. One file an engine: where its programs are, and how one starts and ends."""
