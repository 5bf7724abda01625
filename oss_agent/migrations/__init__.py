"""One lineage of schema changes over all rooms' tables, run at every start."""
