"""Proofs that cost more than a test: real processes, full disks, hostile text, leaks, load."""
