"""Tests of the simulated gateway and its faults."""
