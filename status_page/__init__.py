"""What the public sees: a page, a button and their JSON, in four languages.

Flows in: the one published document. Flows out: HTML, JSON and SVG, each with the time it is as of; grey when stale.
Nothing else is read, and nothing is written but the static copy that `status export` makes.
"""
