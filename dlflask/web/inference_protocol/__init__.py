"""The Open Inference Protocol v2, the interface of KServe, Triton and MLServer."""
