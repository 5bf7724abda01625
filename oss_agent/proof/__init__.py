"""Decides whether what was seen proves what was promised: values in, a verdict out, no I/O."""
