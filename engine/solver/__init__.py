"""Which nodes serve which lines, at what cost. Pure numpy: a problem in, a plan out, no state.

assignment  given the open locations: which takes what of each line, exactly
bounds      lower bounds by Lagrangian relaxation: every line offers a price per unit
covers      a bound by counting: what is still missing of one line needs so many more locations
listing     orders that the quick ways do not settle: prices rule out most locations
loads       what one location would best send if every line offers a price
numbers     a problem made ready to be solved: costs a line and location, units that can be taken
ones        the first look at an order: the cheapest plan of one location
problem     one order to source: the problem, the plan, what a plan costs and whether it is legal
search      branch and bound over which locations are open
subsets     whole lines: the cheapest shipment for every set of lines
together    the first look at many orders in one pass: for each of them what `first_look` would prove
"""
