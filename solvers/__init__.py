"""The decisions of a sales plan: allocations of budget, hours, lead shares and quotas. Arrays in, arrays out.

Linear and mixed-integer programmes in PuLP, sequential linear programming on sample paths, and selection among the
finalists. Knows nothing of plans, simulation models or screens: a method that must simulate again takes a callable.
"""
