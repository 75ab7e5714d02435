"""The core: values and decisions, without clock, network or chance."""
