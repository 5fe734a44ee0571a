"""What the package draws: Altair charts, one file a figure."""
