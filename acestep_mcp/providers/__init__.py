"""Who makes songs, and the one door to the network."""
