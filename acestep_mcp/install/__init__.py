"""How clients come to know this server: one table of clients, and what follows from it.

`clients` is the table. From it come the files of `manifests/`, the links and the README's lines
(`manifests`, `links`, `markdown`, `bundle`), the careful writing of a client's configuration
(`command`, `edit`, `write`), and what `doctor` reads back (`installed`).
"""
