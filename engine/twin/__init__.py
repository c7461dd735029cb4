"""The compiled twin of the SimPy model: the same events in the same order, by one loop over flat records.

`model` reads like `engine.simpy_model`: functions of the same names do the same things and call the same rules
(`business`, `routing`, `arrivals`). What SimPy does with processes and resources is `agenda` and `queues` here; what a
`Tally` is there is `tally` here; `records` lays the memory out, `flatten` fills it from a `World`, `twin.Twin` is what
the rest of the engine calls.
"""
