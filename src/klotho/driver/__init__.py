"""Wires the stages together for the command line and for tests: the only reader of the clock and the environment.

`build` compiles, `deployment` brings up and takes down, `preview` says what would change, `inspection` answers
`status` and `outputs`, `logs` reads logs. Each is a function that returns a value and tells a sink what it is doing.
"""
