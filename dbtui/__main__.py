"""`python -m dbtui` is `dbtui`."""

from dbtui.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
