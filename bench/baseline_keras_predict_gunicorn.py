"""How the original runs: one synchronous worker, which loads TensorFlow for itself."""

workers = 1
worker_class = "sync"
# A worker that imports TensorFlow on a busy core is silent for long.
timeout = 120
control_socket_disable = True
