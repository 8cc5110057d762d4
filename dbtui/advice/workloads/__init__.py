"""What advice on a whole workload is called in findings: each module has the docs of one id, and who gives it."""
