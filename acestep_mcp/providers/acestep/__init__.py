"""The API server of ACE-Step 1.5 that people run themselves: jobs, states, files."""
