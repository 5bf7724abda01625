"""How a device becomes one of ours: lists, ranges, labs, trials of logins, detection."""
