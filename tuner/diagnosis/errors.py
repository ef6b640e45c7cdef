"""What can go wrong before there is anything to diagnose? A file, a program, or data that cannot be used."""


class DiagnosisError(ValueError):
    """There is nothing to diagnose: the place, what came, and what to give instead."""
