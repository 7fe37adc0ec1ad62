"""The CSV pipeline: read, clean, join, check, aggregate, write."""
