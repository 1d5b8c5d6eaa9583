"""The log watcher: lines in, batches of cells out, and no patient with them.

Flows in: log files (plain, .gz, .zst) as the hubs write them. Flows out: batches of cells with the
accounting of every line, put into the outbox in one transaction with how far each file was read, and a
heartbeat with the watermark of each source. A line is cut (`lines`), split into fields by its format's
kind (`kinds`), understood (`meaning`, `times`), counted into cells (`count`) and forgotten.
"""
