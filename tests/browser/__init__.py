"""The player in a real browser, inside a host made here, on the real server and the sandbox."""
