"""A trained model made ready for what it was not made for: another vocabulary, a few more weights."""
