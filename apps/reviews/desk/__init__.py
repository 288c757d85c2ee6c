"""What happens at the desk around a verdict: the seconds to undo it, edits, reasons, appeals."""
