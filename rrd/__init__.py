"""Series in RRD files: one file for each resolution of each series.

Flows in: rows (whole buckets, computed from cells by others) with the series and step they belong to.
Flows out: the same rows, exactly, for any span and at any resolution that exists; keys of the series there are.

`store` holds the port's implementation, `archive` what is inside a file, `binding` the calls of librrd,
`paths` where a series' files are, `layout` the version of all this, `present` the written past joined with the
open present, `graph` draws a picture of both for a message.
"""
