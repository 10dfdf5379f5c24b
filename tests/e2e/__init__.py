"""The whole service as people meet it: containers, a browser, a fresh clone."""
