"""The life of an order.

cancelling           cancelling orders: whole or in part, and what then happens to their units
changes              changes of orders: proposed with what they would do, then confirmed or declined, all or nothing
deadlines            what happens when its time has come: work nobody accepted, goods nobody collected
following_transfers  planned transfers for pickups follow their order: what it does without stays where it is
holds                business stops on an order, and what customer service writes down about it
improving            sourcing again what no node has begun, where a better plan has appeared
marketplaces         orders of marketplaces: every update states the whole order again
payment_providers    what payment providers are asked for, and what follows from their answers
pickup_stores        where customers could pick up all of a basket, and when it would be ready: store by store
pickup_times         when customers may come for an order: from when it is ready, until when it waits
placing              placing orders: from a reservation, or on the spot
rerouting            an order that goes elsewhere, or another way: what no node has begun is sourced anew
returns              returns to stock: shipped units come back, in parts, and go where their disposition says
"""
