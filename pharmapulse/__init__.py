"""The command: reads the configuration, builds every real object, and runs them.

Flows in: the command line, `pharmapulse.toml`. Flows out: running processes, and answers on the terminal.
"""
