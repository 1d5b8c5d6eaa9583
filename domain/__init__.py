"""The vocabulary of pharmapulse: frozen types, pure rules, ports and errors. No I/O.

Flows in: nothing. Flows out: the words every other package speaks in
(event, cell, batch, series, watermark) and the rules that give them one meaning.
"""
