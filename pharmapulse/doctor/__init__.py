"""The doctor: what is installed, reachable, late, full or insecure, and the mend.

Flows in: a configuration, and what lies and runs on this machine. Flows out: findings, each with its mend. It only
looks: nothing is made, migrated, locked, sent or mended. One file a theme, one line of `registry` a check.
"""
