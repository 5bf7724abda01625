"""What a platform is, as data only; ``loader`` reads it into the frozen values of ``model``."""
