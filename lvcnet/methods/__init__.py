"""How a network learns: a Method owns losses and a step."""
