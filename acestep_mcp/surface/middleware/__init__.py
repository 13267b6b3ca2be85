"""What stands around every message: each file is named for what it does."""
