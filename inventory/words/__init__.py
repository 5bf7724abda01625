"""What comes from outside as text: read strictly, shown harmlessly; files, secrets by reference, host keys."""
