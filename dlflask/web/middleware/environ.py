"""Keys under which dlflask stores request data in the WSGI environ."""

#: Id of the request, as in its response, its log lines and its problem.
REQUEST_ID = "dlflask.request_id"

#: Rule of the route, such as `/static/<path:filename>`; absent if the address does not exist.
ROUTE = "dlflask.route"

#: Name of the model that the request addresses; absent if it addresses the first one or none.
MODEL = "dlflask.model"

#: Exception raised by the fast path, to be rendered by Flask's error handlers.
ERROR = "dlflask.error"

#: Type of the problem in the response; absent if the response is not a problem.
PROBLEM_TYPE = "dlflask.problem_type"

#: Set if the request ended in a MemoryError; the server then replaces the worker.
OUT_OF_MEMORY = "dlflask.out_of_memory"
