"""What a song is and which rules it obeys: pure values, no I/O, no clock."""
