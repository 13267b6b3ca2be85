"""What an assistant sees: tools, their answers, and the transport they are served over."""
