"""The one door to the gateway's API."""
