"""How well an assistant makes songs with these tools, for requests that people really made.

Each request is played against the sandbox: the real server, real HTTP, no money. What counts is
which tools were called, with what, how much was bought, and whether what was said is true.

    python -m evals --scripted                      the requests and their scripts, without a model
    python -m evals --endpoint URL --model NAME     any server that speaks OpenAI's chat completions
"""
