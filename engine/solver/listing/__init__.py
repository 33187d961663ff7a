"""Orders that the quick ways do not settle: prices rule out most locations, then shipments are listed, or locations branched on.

ascent      better prices, step by step: towards what is not sent enough, away from what is sent twice
assignment  the cheapest way to send an order from locations that are already chosen
branching   which locations to use when lines may be split: branch and bound on open and closed
columns     which shipments to use, by ever larger limits on what the plan may cost above the bound
effort      how much a search may do: steps are counted, never time
find        the cheapest plan for an order by listing shipments and by branching on locations
greedy      a good plan to start from: locations are added while that pays
local       a good plan of whole lines to start from: locations are added, dropped
packing     what the parcels of a shipment cost by its weight, and straight lines below that staircase
partition   the cheapest way to part a set of lines into shipments
reduced     a problem in the form that the searches use: costs per unit, usable units
relaxation  lower bounds by prices: every line is worth a price, every location opens only if that pays
shipments   every shipment that can be part of a better plan
simplex     a small linear program with bounded variables, by the dual simplex method on a dense tableau
"""
