"""`python -m dbtui` is `dbtui`."""

from dbtui.cli import entry

if __name__ == "__main__":
    entry()
