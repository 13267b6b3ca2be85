"""The sandbox's own small band: a text is set to music, and the music is rendered.

`score` sets the words of a request, `voices` are the instruments, `synth` plays the score with
them, and `wav` puts the samples into a file. The standard library alone; nothing in it is random
that a seed does not decide.
"""
