"""The life of an order.

cancelling         cancelling orders: whole or in part, and what then happens to their units
changes            changes of orders: proposed with what they would do, then confirmed, all or nothing
deadlines          what happens by itself when its time has come: work nobody accepted, goods nobody collected
holds              business stops on an order, and what customer service writes down about it
improving          sourcing again what no node has begun: between order
marketplaces       orders of marketplaces: every update states the whole order again
payment_providers  payment providers: what is asked of them when something else happens
pickup_transfers   what a pickup node lacks is brought there from other nodes: bound there at once
placing            placing orders: from a reservation, or on the spot
returns            returns to stock: shipped units may come back, arrive in parts
"""
