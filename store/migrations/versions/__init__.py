"""The migrations, oldest first by their number. A released one is never changed."""
