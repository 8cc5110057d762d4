"""Rules about migrations. Each module has SEVERITY, SUBJECTS (the actions it is about) and `check`.

`check(step, action)` is called for each matching action, or once a statement where SUBJECTS is empty. A finding
of severity "error" makes a statement unsafe; a warning or an info never does.
"""
