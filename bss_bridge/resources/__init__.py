"""The resources of each TM Forum API: what a body asks for, and how a view is shown."""
