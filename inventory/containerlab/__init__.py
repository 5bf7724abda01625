"""What containerlab leaves behind: every form of it becomes one list of devices, pure."""
