"""Orders in and out: what is taken, why it waits, and what its end does to everything else."""
