"""What `analyse` found, for people: as text, as a page of its own, and one line field by field."""
