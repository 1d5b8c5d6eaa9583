"""Proposing a configuration for one's own logs: sources for their files, and formats where no shipped one fits.

File names and some lines of each file go in; settings with a word on why, and how sure it is, come out. Nothing here
opens a file. What a proposal holds of the lines is names of fields and blanked examples: no patient's number, and no
value that is not a key of the calls.
"""
