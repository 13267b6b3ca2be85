"""Pure knowledge of ACE-Step: how songs are written down, fitted to a length, and checked."""
