"""What only a release runs: manifests, links, the README's tables and the bundle. Not in the wheel.

`python -m publish` writes every generated file; tests compare.
"""
