"""Run by the Python of the llama.cpp server: llama.cpp's own HTTP server, as the package xllamacpp has it compiled in, until it is ended.

python serve_gguf.py MODEL PORT CONTEXT SLOTS [KEY]
"""

import signal
import sys

import xllamacpp


def main(model: str, port: str, context: str, slots: str, key: str = "") -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"tiny"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.n_ctx = int(context)
    parameters.n_parallel = int(slots)
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.ui = False
    parameters.warmup = False
    if key:
        parameters.api_keys = [key]
    server = xllamacpp.Server(parameters)
    print(f"listening on {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main(*sys.argv[1:])
