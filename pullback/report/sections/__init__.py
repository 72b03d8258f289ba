"""The sections of the report, each a function from a run to blocks."""
