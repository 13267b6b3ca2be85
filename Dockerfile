# The server over stdio, as catalogues of containers start it: docker build -t acestep-mcp .
# It lists its tools without a key; mount a folder at /songs to keep what it saves.
FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --create-home --home-dir /songs acestep
COPY pyproject.toml README.md LICENSE requirements-dev.txt /src/
COPY acestep_mcp /src/acestep_mcp
RUN pip install --no-cache-dir --constraint /src/requirements-dev.txt "/src[mp3]"
USER 10001:10001
ENV ACESTEP_DATA_DIR=/songs/data ACESTEP_OUTPUT_DIR=/songs
VOLUME /songs
ENTRYPOINT ["acestep-mcp"]
